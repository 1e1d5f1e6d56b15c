"""The providers' snapshotters: what they ask docker and virsh, in which order, and what stays when that goes wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.providers import docker_snapshotter, get_provider, require_snapshotter, uninterruptible, virsh
from labgen.providers.docker_snapshotter import DockerSnapshotter, image_name
from labgen.providers.libvirt_snapshotter import LibvirtSnapshotter, parse_allocated
from labgen.system.tools import ToolResult

NODES = (SimpleNamespace(name="n1", memory=300), SimpleNamespace(name="n2", memory=400))
LAB = cast(Lab, SimpleNamespace(name="tour", nodes=NODES))
Reply = ToolResult | Callable[[], ToolResult]


class Tool:
    """A scripted docker or virsh: answers by the beginning of the command, and remembers all commands."""

    def __init__(self, answers: Mapping[str, Reply]) -> None:
        self.answers = dict(answers)
        self.lines: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, command: Sequence[str], **_options: float) -> ToolResult:
        line = " ".join(command).replace("virsh --quiet --connect qemu:///system", "virsh")
        with self._lock:
            self.lines.append(line)
        reply = next((reply for start, reply in self.answers.items() if line.startswith(start)), ToolResult(0, "", ""))
        return reply if isinstance(reply, ToolResult) else reply()

    def did(self, *words: str) -> list[str]:
        """The commands that begin with one of WORDS, in their order."""
        return [line for line in self.lines if line.startswith(words)]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tool]:
    def script(answers: Mapping[str, Reply]) -> Tool:
        made = Tool(answers)
        monkeypatch.setattr(docker_snapshotter, "ask", made)
        monkeypatch.setattr(virsh, "ask", made)
        monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
        return made

    return script


def rows(*entries: Mapping[str, Any]) -> ToolResult:
    return ToolResult(0, "".join(json.dumps(entry) + "\n" for entry in entries), "")


def images(*entries: tuple[str, str, bool]) -> dict[str, ToolResult]:
    """Docker's answers about images that keep (node, snapshot_id), with their name or without."""
    found = [
        {
            "Id": f"sha256:{node}{snapshot_id}",
            "RepoTags": [f"labgen-checkpoint/tour/{node}:{snapshot_id}"] if named else [],
            "Config": {"Labels": {"labgen.lab": "tour", "labgen.node": node, "labgen.checkpoint": snapshot_id}},
        }
        for node, snapshot_id, named in entries
    ]
    ids = "\n".join(str(image["Id"]) for image in found)
    return {"docker image ls": ToolResult(0, ids, ""), "docker image inspect": ToolResult(0, json.dumps(found), "")}


def containers(*mounts: Mapping[str, str]) -> ToolResult:
    return ToolResult(0, json.dumps([{"Name": "/labgen-tour-n1", "Mounts": list(mounts), "SizeRw": 5 << 20}]), "")


PAUSED = rows({"Names": "labgen-tour-n1", "State": "paused"}, {"Names": "labgen-tour-n2", "State": "paused"})
CGROUP = {"Type": "bind", "Destination": "/sys/fs/cgroup"}


def test_docker_commits_while_all_stand_still(tool: Callable[..., Tool]) -> None:
    docker = tool(
        {
            "docker container inspect": containers(CGROUP),
            "docker ps": PAUSED,
            "docker history": ToolResult(0, "1234567\n99\n", ""),
        }
    )
    assert DockerSnapshotter().save(LAB, "c1") == {"n1": 1234567, "n2": 1234567}
    changes = docker.did("docker pause", "docker commit", "docker unpause")
    assert changes[0] == "docker pause labgen-tour-n1 labgen-tour-n2"
    assert changes[-1] == "docker unpause labgen-tour-n1 labgen-tour-n2"
    commits = sorted(changes[1:-1])
    assert [line.split()[-2:] for line in commits] == [
        [f"labgen-tour-{node}", f"labgen-checkpoint/tour/{node}:c1"] for node in ("n1", "n2")
    ]
    assert all("--pause=false" in line and "LABEL labgen.checkpoint=c1" in line for line in commits)


@pytest.mark.parametrize("fault", [ToolResult(1, "", "no space left on device"), KeyboardInterrupt()])
def test_docker_goes_on_whatever_happens(tool: Callable[..., Tool], fault: ToolResult | KeyboardInterrupt) -> None:
    def commit() -> ToolResult:
        if isinstance(fault, KeyboardInterrupt):
            raise fault
        return fault

    docker = tool({"docker container inspect": containers(), "docker ps": PAUSED, "docker commit": commit})
    with pytest.raises((OperationError, KeyboardInterrupt)) as caught:
        DockerSnapshotter().save(LAB, "c1")
    if isinstance(caught.value, OperationError):
        assert "no space left on device" in caught.value.detail
    assert docker.lines[-1] == "docker unpause labgen-tour-n1 labgen-tour-n2"


def test_a_volume_is_no_part_of_a_container(tool: Callable[..., Tool]) -> None:
    hidden = {"Type": "volume", "Destination": "/var/lib/postgresql"}
    docker = tool({"docker container inspect": containers(CGROUP, hidden)})
    with pytest.raises(OperationError) as caught:
        DockerSnapshotter().save(LAB, "c1")
    assert caught.value.detail == ("labgen-tour-n1: /var/lib/postgresql",)
    assert docker.did("docker pause", "docker commit") == []


def test_docker_says_what_is_kept(tool: Callable[..., Tool]) -> None:
    tool(images(("n1", "c1", True), ("n2", "c1", True), ("n1", "c2", True), ("n2", "c3", False)))
    assert DockerSnapshotter().kept(LAB) == {"c1": {"n1", "n2"}, "c2": {"n1"}}
    assert docker_snapshotter.image_names(LAB)[-1] == "sha256:n2c3"


def test_no_answer_is_not_no_image(tool: Callable[..., Tool]) -> None:
    tool({"docker": ToolResult(1, "", "Cannot connect to the Docker daemon")})
    with pytest.raises(OperationError, match="cannot be listed"):
        DockerSnapshotter().kept(LAB)


def test_docker_drops_one_checkpoint_and_what_nobody_needs(tool: Callable[..., Tool]) -> None:
    docker = tool(images(("n1", "c1", True), ("n1", "c2", True), ("n2", "c3", False)))
    DockerSnapshotter().drop(LAB, "c1")
    assert docker.did("docker image rm") == [
        f"docker image rm --force {image_name(LAB, 'n1', 'c1')}",
        "docker image rm sha256:n2c3",
    ]


def test_docker_replaces_the_containers(tool: Callable[..., Tool]) -> None:
    docker = tool({"docker ps": rows({"Names": "labgen-tour-n1", "State": "running"})})
    booted: list[Mapping[str, str]] = []
    DockerSnapshotter().restore(LAB, "c1", booted.append)
    assert booted == [{node: f"labgen-checkpoint/tour/{node}:c1" for node in ("n1", "n2")}]
    assert docker.did("docker rm", "docker network") == ["docker rm --force --volumes labgen-tour-n1"]


def test_docker_tells_what_a_save_takes(tool: Callable[..., Tool]) -> None:
    tool({"docker container inspect --size": containers(), "docker info": ToolResult(0, "/var/lib/docker\n", "")})
    room = DockerSnapshotter().space_needed(LAB)
    assert (room.mib, room.place) == (6, Path("/var/lib/docker"))


def states(word: str, number: int) -> ToolResult:
    return ToolResult(0, "".join(f"Domain: 'labgen-tour-{n}'\n  state.state={number}\n" for n in word.split()), "")


def test_libvirt_takes_all_snapshots_while_all_stand_still(tool: Callable[..., Tool]) -> None:
    sizes = iter([100, 100, 160, 160])
    tooled = tool(
        {
            "virsh domstats": states("n1 n2", 3),
            "virsh domblkinfo": lambda: ToolResult(0, f" vda  4294967296  {next(sizes)}  200\n", ""),
        }
    )
    assert LibvirtSnapshotter().save(LAB, "c1") == {"n1": 60, "n2": 60}
    changes = tooled.did("virsh suspend", "virsh snapshot-create-as", "virsh resume")
    assert changes[:2] == ["virsh suspend labgen-tour-n1", "virsh suspend labgen-tour-n2"]
    assert changes[-2:] == ["virsh resume labgen-tour-n1", "virsh resume labgen-tour-n2"]
    assert sorted(line.split(" --description")[0] for line in changes[2:-2]) == [
        f"virsh snapshot-create-as labgen-tour-{node} --name labgen-c1" for node in ("n1", "n2")
    ]


def test_libvirt_goes_on_whatever_happens(tool: Callable[..., Tool]) -> None:
    fault = ToolResult(1, "", "error: internal error: unable to execute QEMU command")
    tooled = tool({"virsh domstats": states("n1 n2", 3), "virsh snapshot-create-as labgen-tour-n2": fault})
    with pytest.raises(OperationError, match="n2 cannot be kept"):
        LibvirtSnapshotter().save(LAB, "c1")
    assert tooled.lines[-2:] == ["virsh resume labgen-tour-n1", "virsh resume labgen-tour-n2"]


def test_a_machine_that_stays_suspended_keeps_no_other_from_going_on(tool: Callable[..., Tool]) -> None:
    tooled = tool({"virsh domstats": states("n1 n2", 3), "virsh resume labgen-tour-n1": ToolResult(1, "", "error: no")})
    with pytest.raises(OperationError, match="n1 stays suspended"):
        LibvirtSnapshotter().unpause(LAB)
    assert "virsh resume labgen-tour-n2" in tooled.lines


def test_libvirt_brings_all_back_before_any_goes_on(tool: Callable[..., Tool]) -> None:
    tooled = tool(
        {
            "virsh domstats": states("n1 n2", 3),
            "virsh net-list --all": ToolResult(0, "labgen-tour\nvagrant-libvirt\nother\n", ""),
            "virsh net-list --inactive": ToolResult(0, "labgen-tour\nother\n", ""),
            "virsh domiflist": ToolResult(
                0, " vnet0  network  vagrant-libvirt  virtio  52\n vnet1  network  labgen-tour  virtio  53\n", ""
            ),
        }
    )
    LibvirtSnapshotter().restore(LAB, "c1", lambda _images: pytest.fail("nothing is made anew"))
    changes = tooled.did("virsh net-start", "virsh snapshot-revert", "virsh resume")
    assert changes[0] == "virsh net-start labgen-tour"
    assert sorted(changes[1:3]) == [
        f"virsh snapshot-revert labgen-tour-{node} --snapshotname labgen-c1 --paused" for node in ("n1", "n2")
    ]
    assert changes[3:] == ["virsh resume labgen-tour-n1", "virsh resume labgen-tour-n2"]


NETWORKS = ToolResult(0, " -  network  vagrant-libvirt  virtio  52\n -  network  labgen-tour  virtio  53\n", "")


def test_libvirt_notes_the_networks_before_machines_stand_still(tool: Callable[..., Tool]) -> None:
    made = ToolResult(0, "<network>\n  <name>it</name>\n</network>\n", "")
    tooled = tool({"virsh domstats": states("n1 n2", 3), "virsh domiflist": NETWORKS, "virsh net-dumpxml": made})
    LibvirtSnapshotter().save(LAB, "c1")
    first, second, third = tooled.did("virsh metadata", "virsh suspend")[:3]
    assert first.startswith("virsh metadata labgen-tour-n1 --uri urn:labgen:networks --key labgen --set <networks>")
    assert first.count("<name>it</name>") == 2
    assert first.endswith("</networks> --live --config")
    assert second.startswith("virsh metadata labgen-tour-n2")
    assert third.startswith("virsh suspend")


def test_libvirt_makes_a_network_again_that_went_with_another_lab(tool: Callable[..., Tool]) -> None:
    wanted = "<network>\n<name>vagrant-libvirt</name>\n</network>"
    noted = f"<networks>\n<network><name>other</name></network>\n{wanted}</networks>"
    listed = iter(["labgen-tour\n", "labgen-tour\nvagrant-libvirt\n"])
    written: list[str] = []

    def define() -> ToolResult:
        written.append(Path(tooled.lines[-1].split()[-1]).read_text())
        return ToolResult(0, "", "")

    tooled = tool(
        {
            "virsh domstats": states("n1 n2", 3),
            "virsh domiflist": NETWORKS,
            "virsh net-list --all": lambda: ToolResult(0, next(listed), ""),
            "virsh net-list --inactive": ToolResult(0, "vagrant-libvirt\n", ""),
            "virsh metadata": ToolResult(0, noted, ""),
            "virsh net-define": define,
        }
    )
    LibvirtSnapshotter().restore(LAB, "c1", lambda _images: None)
    assert written == [wanted]
    order = [line.split()[1] for line in tooled.did("virsh net-define", "virsh net-start", "virsh snapshot-revert")]
    assert order == ["net-define", "net-start", "snapshot-revert", "snapshot-revert"]


def test_libvirt_says_which_network_is_gone_for_good(tool: Callable[..., Tool]) -> None:
    tooled = tool({"virsh domstats": states("n1 n2", 3), "virsh domiflist": NETWORKS})
    with pytest.raises(OperationError, match="the network labgen-tour is gone, and labgen-tour-n1 has no note of it"):
        LibvirtSnapshotter().restore(LAB, "c1", lambda _images: None)
    assert not tooled.did("virsh snapshot-revert")


def test_libvirt_leaves_the_snapshots_of_others_alone(tool: Callable[..., Tool]) -> None:
    tooled = tool(
        {"virsh domstats": states("n1", 1), "virsh snapshot-list": ToolResult(0, "labgen-c1\nmine\nlabgen-c2\n", "")}
    )
    snapshotter = LibvirtSnapshotter()
    assert snapshotter.kept(LAB) == {"c1": {"n1"}, "c2": {"n1"}}
    snapshotter.drop(LAB, "c2")
    assert tooled.did("virsh snapshot-delete") == ["virsh snapshot-delete labgen-tour-n1 --snapshotname labgen-c2"]
    tooled.lines.clear()
    snapshotter.release(LAB, ["n1", "n2"])
    assert tooled.did("virsh snapshot-delete") == [
        f"virsh snapshot-delete labgen-tour-n1 --snapshotname labgen-{kept} --metadata" for kept in ("c1", "c2")
    ]


def test_libvirt_needs_room_for_the_memory(tool: Callable[..., Tool]) -> None:
    disk = " Type   Device   Target   Source\n file   disk     vda      /pool/labgen-tour-n1.img\n"
    tool({"virsh domblklist": ToolResult(0, disk, "")})
    room = LibvirtSnapshotter().space_needed(LAB)
    assert (room.mib, room.place) == (700, Path("/pool"))


def test_what_disks_take() -> None:
    text = " Target   Capacity      Allocation   Physical\n---------\n vda      4294967296    317194240    317390848\n"
    assert parse_allocated(text) == 317194240
    assert parse_allocated("") == 0


def test_who_has_a_snapshotter() -> None:
    assert get_provider("docker").snapshotter is not None
    assert get_provider("libvirt").snapshotter is not None
    with pytest.raises(OperationError, match="no checkpoints with virtualbox"):
        require_snapshotter(get_provider("virtualbox"), "tour")


def test_ctrl_c_waits_for_what_has_to_be_done() -> None:
    done: list[str] = []

    def work() -> None:
        done.append("begun")
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append("ended")

    with pytest.raises(KeyboardInterrupt):
        uninterruptible(work)
    assert done == ["begun", "begun", "ended"]
