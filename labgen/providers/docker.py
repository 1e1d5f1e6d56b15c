"""Machines as containers that run systemd."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from labgen.errors import HostError
from labgen.host.cgroups import BESIDE_V1, has_cgroup_v2
from labgen.lab.model import Lab
from labgen.providers import base
from labgen.providers.base import VAGRANTFILES, HeldNetwork, MarkedThing, Provider
from labgen.providers.capabilities import CONTAINER
from labgen.providers.control import MACHINE_NAME, ControlCommands, MachineAction
from labgen.providers.docker_images import DockerImages
from labgen.providers.docker_snapshotter import DockerSnapshotter, image_names, snapshot_images
from labgen.providers.endpoint import Endpoint
from labgen.providers.names import LabNames, machine_name, network_name
from labgen.providers.vagrant import Vagrant
from labgen.state import Owner
from labgen.system.tools import ToolResult, ask
from labgen.systems import system

SSH_PORT = "22/tcp"
STATES = {"running": "running", "exited": "stopped", "created": "stopped", "dead": "stopped", "paused": "paused"}
INSTALL = "install it: sudo apt-get install docker.io"


MEMORY_SHARE = 0.5
"""Containers share the host's page cache and kernel: measured, a node uses less than half of what its VM is given."""
CONTROL = ControlCommands(
    {
        MachineAction.OFF: ("docker", "kill", MACHINE_NAME),
        MachineAction.ON: ("docker", "start", MACHINE_NAME),
        MachineAction.STOP: ("docker", "stop", "--time", "20", MACHINE_NAME),
        MachineAction.PAUSE: ("docker", "pause", MACHINE_NAME),
        MachineAction.UNPAUSE: ("docker", "unpause", MACHINE_NAME),
    },
    done=("is not paused", "already running", "is not running", "no such container"),
)


class DockerProvider(Provider):
    """Docker on this host, whatever DOCKER_HOST says it is."""

    name = "docker"
    capabilities = CONTAINER
    control = CONTROL
    images = DockerImages()
    snapshotter = DockerSnapshotter()
    vagrantfile = VAGRANTFILES / "docker.rb.j2"
    range_taken = ("Pool overlaps with other one on this address space",)
    vagrant_plugins = False
    destroys_in_parallel = True
    seen_while_booting = True

    def refuses(self, lab: Lab) -> HostError | None:
        """A container has this host's control groups, and no others."""
        if has_cgroup_v2() or not system(lab.os).cgroup_v2:
            return None
        return HostError(
            f"{system(lab.os).title} boots with cgroup v2 only, and this host has v1 alone",
            where="/sys/fs/cgroup",
            cure=f"have both: sudo mkdir -p {BESIDE_V1}; sudo mount -t cgroup2 cgroup2 {BESIDE_V1}\n"
            "or take another system: --set os=debian-13",
        )

    def memory_needed(self, lab: Lab) -> int:
        return int(super().memory_needed(lab) * MEMORY_SHARE)

    def problems(self) -> list[HostError]:
        found = base.vagrant_missing()
        if missing := base.missing("docker", "Docker", INSTALL):
            return found + missing
        answer = ask(["docker", "version", "--format", "{{.Server.Version}}"])
        return found if answer.rc == 0 else [*found, _unreachable(answer)]

    def boot_timeout(self, nodes: int) -> float:
        return 120 + 20 * nodes

    def ssh_timeout(self, nodes: int) -> float:
        return 60 + 5 * nodes

    def states(self, lab: Lab, _vagrant: Vagrant) -> dict[str, str]:
        containers = _containers([machine_name(lab, node.name) for node in lab.nodes])
        return {node.name: _state(containers.get(machine_name(lab, node.name)), node.address) for node in lab.nodes}

    def endpoints(self, lab: Lab, _vagrant: Vagrant, key: Path) -> dict[str, Endpoint]:
        """From the containers themselves: one question takes 30 ms, `vagrant ssh-config` seconds."""
        containers = _containers([machine_name(lab, node.name) for node in lab.nodes])
        endpoints = {}
        for node in lab.nodes:
            container = containers.get(machine_name(lab, node.name))
            if (
                container
                and container["State"]["Status"] == "running"
                and (place := _ssh_place(container, node.address))
            ):
                endpoints[node.name] = Endpoint(*place, "vagrant", key)
        return endpoints

    def marked(self) -> list[MarkedThing]:
        rows = [row for row in _list("ps") if _says_a_lab(row)]
        found = [_marks("container", it, it["Config"]) for it in _containers([row["Names"] for row in rows]).values()]
        return found + [thing for thing in _networks() if thing.lab] + _snapshots()

    def in_the_place_of(self, lab: LabNames) -> list[MarkedThing]:
        containers = _containers([machine_name(lab, node.name) for node in lab.nodes]).values()
        found = [_marks("container", it, it["Config"]) for it in containers]
        return found + [thing for thing in _networks() if thing.name == network_name(lab)] + _snapshots(lab.name)

    def reclaim(self, lab: LabNames, nodes: Sequence[str]) -> None:
        mine = _containers([machine_name(lab, node) for node in nodes])
        # A name alone proves nothing; the label is labgen's.
        lost = [name for name, it in mine.items() if it["Config"]["Labels"].get("labgen.lab") == lab.name]
        if lost:
            ask(["docker", "rm", "--force", "--volumes", *lost], timeout=120)
        if len(nodes) == len(lab.nodes):
            # Refused, as it should be, while anything is in it.
            ask(["docker", "network", "rm", network_name(lab)])

    def leftovers(self, lab: LabNames) -> list[str]:
        names = {machine_name(lab, node.name) for node in lab.nodes}
        label = f"labgen.lab={lab.name}"
        left = [
            f"container {row['Names']}"
            for row in _list("ps")
            # Lab `x` with a node `y-z` and lab `x-y` with a node `z` would both have labgen-x-y-z.
            if label in _labels(row) or (row["Names"] in names and not _says_a_lab(row))
        ]
        left += [
            f"network {row['Name']}"
            for row in _list("network")
            if row["Name"] == network_name(lab) or label in _labels(row)
        ]
        left += [f"image {name}" for name in image_names(lab)]
        return left + [f"volume {row['Name']}" for row in _list("volume") if label in _labels(row)]

    def networks(self, lab: Lab) -> list[HeldNetwork]:
        names = {machine_name(lab, node.name) for node in lab.nodes}
        members: dict[str, set[str]] = {}
        for row in _list("ps"):
            for name in row["Networks"].split(","):
                members.setdefault(name, set()).add(row["Names"])
        networks = _json(ask(["docker", "network", "inspect", *(row["Name"] for row in _list("network"))]))
        held = []
        for network in networks:
            name, inside = network["Name"], members.get(network["Name"], set())
            says = _marks("network", network, network)
            marked = name == network_name(lab) or says.lab == lab.name
            # Vagrant reuses a network of its own that nobody is in any more.
            idle = name.startswith("vagrant_network") and not inside
            own = marked or idle or bool(inside and inside <= names)
            who = f" (used by {', '.join(sorted(inside)[:3])}{', …' if len(inside) > 3 else ''})" if inside else ""
            bridge = (network.get("Options") or {}).get("com.docker.network.bridge.name") or f"br-{network['Id'][:12]}"
            for config in (network.get("IPAM") or {}).get("Config") or ():
                if subnet := config.get("Subnet"):
                    cure = base.network_cure(name, f"docker network rm {name}", Owner(says.owner, says.origin))
                    held.append(HeldNetwork(subnet, f"docker network {name}{who}", bridge, own, cure, bool(says.lab)))
        return held


def _containers(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Name → what `docker inspect` says, for those that exist."""
    if not names:
        return {}  # without a name Docker answers with its usage
    answer = ask(["docker", "container", "inspect", *names])
    if answer.rc != 0 and "no such container" not in answer.stderr.lower():
        raise _unreachable(answer)
    return {container["Name"].removeprefix("/"): container for container in _json(answer)}


def _state(container: dict[str, Any] | None, lab_address: str) -> str:
    """A container that runs without its address in the lab is one whose boot was interrupted half-way."""
    if container is None:
        return "absent"
    word = STATES.get(container["State"]["Status"], container["State"]["Status"])
    return word if word != "running" or lab_address in _addresses(container) else "unconnected"


def _addresses(container: dict[str, Any]) -> list[str]:
    networks = container["NetworkSettings"].get("Networks") or {}
    return [network["IPAddress"] for network in networks.values() if network.get("IPAddress")]


def _ssh_place(container: dict[str, Any], lab_address: str) -> tuple[str, int] | None:
    """The published port if there is one, else an address that is not the one in the lab's network."""
    settings = container["NetworkSettings"]
    for published in (settings.get("Ports") or {}).get(SSH_PORT) or ():
        host = published["HostIp"] or "127.0.0.1"
        return "127.0.0.1" if ip_address(host).is_unspecified else host, int(published["HostPort"])
    return next(((address, 22) for address in _addresses(container) if address != lab_address), None)


def _list(kind: str) -> list[dict[str, Any]]:
    """The rows of `docker ps`, `docker network ls` or `docker volume ls`; none if Docker cannot be asked."""
    words = ["ps", "--all", "--no-trunc"] if kind == "ps" else [kind, "ls"]
    answer = ask(["docker", *words, "--format", "{{json .}}"])
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")] if answer.rc == 0 else []


def _says_a_lab(row: dict[str, Any]) -> bool:
    return any(label.startswith("labgen.lab=") for label in _labels(row))


def _networks() -> list[MarkedThing]:
    answer = ask(["docker", "network", "inspect", *(row["Name"] for row in _list("network"))])
    return [_marks("network", it, it) for it in _json(answer)]


def _snapshots(lab: str | None = None) -> list[MarkedThing]:
    """The images of checkpoints, which have from their containers who made them; none of them is a node's machine."""
    images = snapshot_images(lab)
    named = [{"Name": (it.get("RepoTags") or [it["Id"]])[0], "Id": it["Id"], "Config": it["Config"]} for it in images]
    return [replace(_marks("image", it, it["Config"]), node="") for it in named]


def _marks(kind: str, thing: dict[str, Any], holder: dict[str, Any]) -> MarkedThing:
    labels = holder.get("Labels") or {}
    said = {key: str(labels.get(f"labgen.{key}", "")) for key in ("lab", "node", "owner", "origin")}
    return MarkedThing(kind, thing["Name"].removeprefix("/"), **said, id=str(thing.get("Id", "")))


def _labels(row: dict[str, Any]) -> list[str]:
    return str(row.get("Labels") or "").split(",")


def _json(answer: ToolResult) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(answer.stdout or "[]")
    except ValueError:
        return []
    return found


def _unreachable(answer: ToolResult) -> HostError:
    said = answer.stderr.strip().splitlines()[-2:]
    if "permission denied" in answer.stderr.lower():
        cure = "join its group: sudo usermod -aG docker $USER, then log in again; or run labgen as root"
        return HostError("you have no permission to use Docker", detail=said, cure=cure)
    if answer.rc == 127:
        return HostError("Docker is not installed: no docker in PATH", cure=INSTALL)
    return HostError(
        "the Docker daemon does not answer",
        detail=said,
        cure="start it: sudo systemctl start docker\nwithout a service manager: sudo dockerd >/tmp/dockerd.log 2>&1 &",
    )
