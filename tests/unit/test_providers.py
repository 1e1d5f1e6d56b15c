"""Providers: what they read out of the host's tools, and what they make of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labgen.errors import HostError, UnknownNameError
from labgen.lab.model import Lab
from labgen.providers import docker, docker_snapshotter, get_provider, networks, provider_names, virsh
from labgen.providers.base import HeldNetwork, MarkedThing, network_cure
from labgen.providers.docker import DockerProvider
from labgen.providers.endpoint import Endpoint
from labgen.providers.libvirt import LibvirtProvider, kvm_usable
from labgen.providers.networks import conflicts, free_network, hidden, parse_routes, ranges_in_use
from labgen.providers.vagrant import Vagrant
from labgen.providers.virsh import parse_domain_states
from labgen.state import Owner, owner
from labgen.system.tools import ToolResult, ask
from tests.fakes.vagrant import install_vagrant

LAB = cast(
    Lab,
    SimpleNamespace(
        name="tour",
        network=SimpleNamespace(cidr="192.168.60.0/24"),
        nodes=(SimpleNamespace(name="n1", address="192.168.60.2"), SimpleNamespace(name="n2", address="192.168.60.3")),
    ),
)
NO_VAGRANT = cast(Vagrant, None)
PLUGIN = "echo 1,,plugin-name,vagrant-libvirt; echo 1,vagrant-libvirt,plugin-version,0.11.2"
Say = Callable[[Mapping[str, ToolResult]], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """Answers for the tools, by the beginning of the command."""

    def script(answers: Mapping[str, ToolResult]) -> None:
        def ask(command: Sequence[str], **_options: float) -> ToolResult:
            line = " ".join(command)
            return next((answer for start, answer in answers.items() if line.startswith(start)), ToolResult(0, "", ""))

        for module in (docker, docker_snapshotter, networks, virsh):
            monkeypatch.setattr(module, "ask", ask)
        monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")

    return script


def rows(*entries: Mapping[str, Any]) -> ToolResult:
    return ToolResult(0, "".join(json.dumps(entry) + "\n" for entry in entries), "")


def container(name: str, status: str, ports: Mapping[str, Any] | None = None, **addresses: str) -> dict[str, Any]:
    attached = {network: {"IPAddress": address} for network, address in addresses.items()}
    return {
        "Name": f"/{name}",
        "State": {"Status": status},
        "NetworkSettings": {"Ports": ports or {}, "Networks": attached},
    }


def test_built_ins_register_as_plugins_do() -> None:
    assert {"docker", "libvirt", "virtualbox"} <= set(provider_names())
    assert get_provider("docker").name == "docker"


def test_an_unknown_provider_gets_a_guess() -> None:
    with pytest.raises(UnknownNameError) as caught:
        get_provider("dokcer")
    assert caught.value.cure == "did you mean 'docker'?"


@pytest.mark.parametrize(
    ("flags", "device", "usable"),
    [("vmx", True, True), ("svm", True, True), ("sse", True, False), ("vmx", False, False)],
)
def test_kvm_needs_the_flag_and_the_device(tmp_path: Path, flags: str, device: bool, usable: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags} ht\n")
    if device:
        (tmp_path / "kvm").touch()
    assert kvm_usable(tmp_path / "cpuinfo", tmp_path / "kvm") is usable


@pytest.mark.parametrize(
    ("answer", "what", "cure"),
    [
        (ToolResult(1, "", "Cannot connect to the Docker daemon at unix:///x. Is it running?"), "daemon", "dockerd"),
        (ToolResult(1, "", "Got permission denied while trying to connect"), "permission", "usermod -aG docker"),
        (ToolResult(124, "", "docker gave no answer within 30 s"), "daemon", "systemctl start docker"),
    ],
)
def test_docker_that_cannot_be_used(say: Say, answer: ToolResult, what: str, cure: str) -> None:
    say({"docker version": answer})
    [problem] = DockerProvider().problems()
    assert what in problem.what
    assert cure in (problem.cure or "")
    say({"docker container": answer})
    with pytest.raises(HostError, match=what):
        DockerProvider().states(LAB, NO_VAGRANT)


def test_what_is_not_installed_is_named(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    say({})
    monkeypatch.setattr("shutil.which", lambda _program: None)
    for name in ("docker", "libvirt", "virtualbox"):
        problems = get_provider(name).problems()
        assert len(problems) >= 2
        assert all(problem.cure for problem in problems)


@pytest.mark.parametrize(
    ("virsh", "plugins", "what"),
    [
        ("error: Failed to connect socket to '/run/libvirt.sock': No such file", PLUGIN, "not answer"),
        ("error: authentication unavailable: no polkit agent", PLUGIN, "permission"),
        ("", "echo", "is not installed"),
        ("", "exit 1", "failed with exit code 1"),
    ],
)
def test_libvirt_that_cannot_be_used(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, virsh: str, plugins: str, what: str
) -> None:
    say({"virsh": ToolResult(1, "", virsh)} if virsh else {})
    install_vagrant(tmp_path, monkeypatch, {"plugin": plugins})
    [problem] = LibvirtProvider().problems()
    assert what in problem.what


def test_docker_states_and_endpoints(say: Say) -> None:
    found = [
        container("labgen-tour-n1", "running", bridge="172.17.0.5", lab="192.168.60.2"),
        container("labgen-tour-other", "running"),
    ]
    say({"docker container": ToolResult(1, json.dumps(found), "Error: No such container: labgen-tour-n2")})
    assert DockerProvider().states(LAB, NO_VAGRANT) == {"n1": "running", "n2": "absent"}
    endpoints = DockerProvider().endpoints(LAB, NO_VAGRANT, Path("key"))
    assert endpoints == {"n1": Endpoint("172.17.0.5", 22, "vagrant", Path("key"))}


def test_nothing_lost_is_nothing_to_reclaim(say: Say) -> None:
    usage = ToolResult(1, "", '"docker container inspect" requires at least 1 argument.')
    say({"docker container inspect": usage})
    DockerProvider().reclaim(LAB, ())


def test_a_container_outside_the_labs_network_is_not_up(say: Say) -> None:
    found = [container("labgen-tour-n1", "running", bridge="172.17.0.5"), container("labgen-tour-n2", "exited")]
    say({"docker container": ToolResult(0, json.dumps(found), "")})
    assert DockerProvider().states(LAB, NO_VAGRANT) == {"n1": "unconnected", "n2": "stopped"}


def test_a_published_port_comes_first(say: Say) -> None:
    ports = {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "2222"}]}  # noqa: S104
    found = [
        container("labgen-tour-n1", "running", ports, bridge="172.17.0.5"),
        container("labgen-tour-n2", "exited", ports),
    ]
    say({"docker container": ToolResult(0, json.dumps(found), "")})
    assert DockerProvider().endpoints(LAB, NO_VAGRANT, Path("key")) == {
        "n1": Endpoint("127.0.0.1", 2222, "vagrant", Path("key"))
    }


def test_docker_leftovers_are_the_labs_only(say: Say) -> None:
    say(
        {
            "docker ps": rows(
                {"Names": "labgen-tour-n1", "Labels": ""},
                {"Names": "labgen-tour-2-n1", "Labels": "labgen.lab=tour-2"},
                {"Names": "scaled", "Labels": "a=b,labgen.lab=tour"},
            ),
            "docker network ls": rows({"Name": "labgen-tour", "Labels": ""}, {"Name": "bridge", "Labels": ""}),
            "docker volume ls": rows(
                {"Name": "x", "Labels": "labgen.lab=tour"}, {"Name": "labgen-tour-2-y", "Labels": "labgen.lab=tour-2"}
            ),
        }
    )
    assert DockerProvider().leftovers(LAB) == [
        "container labgen-tour-n1",
        "container scaled",
        "network labgen-tour",
        "volume x",
    ]


def docker_network(name: str, subnet: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Id": "0123456789abcdef", "IPAM": {"Config": [{"Subnet": subnet}]}, **more}


def test_whose_a_docker_network_is(say: Say) -> None:
    found = [
        docker_network("vagrant_network_192.168.60.0/24", "192.168.60.0/24"),
        docker_network("shared", "192.168.61.0/24"),
        docker_network("labgen-tour", "192.168.62.0/24", Options={"com.docker.network.bridge.name": "lab0"}),
        docker_network("idle", "fd00::/64"),
        docker_network(
            "labgen-far", "192.168.63.0/24", Labels={"labgen.owner": "0123", "labgen.origin": "eve in /home/eve"}
        ),
    ]
    say(
        {
            "docker ps": rows(
                {"Names": "labgen-tour-n1", "Networks": "bridge,vagrant_network_192.168.60.0/24,shared"},
                {"Names": "labgen-other-n1", "Networks": "shared"},
            ),
            "docker network ls": rows(*({"Name": network["Name"]} for network in found)),
            "docker network inspect": ToolResult(0, json.dumps(found), ""),
        }
    )
    held = DockerProvider().networks(LAB)
    assert [network.own for network in held] == [True, False, True, False, False]
    assert held[1].holder == "docker network shared (used by labgen-other-n1, labgen-tour-n1)"
    assert [network.device for network in held[1:3]] == ["br-0123456789ab", "lab0"]
    assert held[2].cure == "it is the lab tour of somebody else, who alone can destroy it"
    assert held[4].cure == "it is the lab far of eve in /home/eve, who alone can destroy it"
    assert "docker network rm shared" in (held[1].cure or "")


DOMSTATS = """\
Domain: 'labgen-tour-n1'
  state.state=1
  state.reason=5

Domain: 'labgen-tour-n2'
  state.state=5
  state.reason=1

Domain: 'other'
  state.state=3
  state.reason=1

"""


def test_libvirt_states(say: Say) -> None:
    assert parse_domain_states(DOMSTATS) == {
        "labgen-tour-n1": "running",
        "labgen-tour-n2": "stopped",
        "other": "paused",
    }
    say({"virsh": ToolResult(0, DOMSTATS, "")})
    assert LibvirtProvider().states(LAB, NO_VAGRANT) == {"n1": "running", "n2": "stopped"}


NETWORK_XML = """\
<network><name>x</name><bridge name='virbr3' stp='on'/>
<ip address='192.168.60.1' netmask='255.255.255.0'/><ip family='ipv6' address='fd00::1' prefix='64'/></network>
"""


def test_libvirt_networks_and_leftovers(say: Say) -> None:
    quiet = "virsh --quiet --connect qemu:///system"
    say(
        {
            f"{quiet} net-list": ToolResult(0, "default\nlabgen-tour\nlabgen-tour-2\n", ""),
            f"{quiet} net-dumpxml": ToolResult(0, NETWORK_XML, ""),
            f"{quiet} domstats": ToolResult(0, DOMSTATS, ""),
            f"{quiet} pool-list": ToolResult(0, "default\n", ""),
            f"{quiet} vol-list": ToolResult(0, " labgen-tour-n1.img   /var/x\n labgen-tour-n10.img  /var/y\n", ""),
        }
    )
    held = LibvirtProvider().networks(LAB)
    assert [(network.cidr, network.device, network.own) for network in held] == [
        ("192.168.60.0/24", "virbr3", False),
        ("192.168.60.0/24", "virbr3", True),
        ("192.168.60.0/24", "virbr3", False),
    ]
    assert LibvirtProvider().leftovers(LAB) == [
        "domain labgen-tour-n1",
        "domain labgen-tour-n2",
        "network labgen-tour",
        "volume labgen-tour-n1.img",
    ]


ROUTES = json.dumps(
    [
        {"dst": "default", "gateway": "10.0.0.1", "dev": "eth0"},
        {"dst": "0.0.0.0/1", "dev": "tun0"},
        {"dst": "192.168.60.0/24", "dev": "br-0123456789ab"},
        {"dst": "192.168.0.0/16", "dev": "eth2"},
        {"dst": "192.168.0.0/16", "dev": "wg0"},
        {"dst": "192.160.0.0/11", "dev": "eth0", "gateway": "10.1.0.1"},
        {"dst": "192.168.60.0/24", "dev": "eth3", "gateway": "10.1.0.1"},
        {"dst": "192.168.60.77", "dev": "eth1"},
        {"type": "blackhole", "dst": "192.168.60.0/25"},
        {"dst": "10.1.0.0/16", "dev": "eth0"},
    ]
)


@pytest.fixture
def vpn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with WireGuard's wg0 beside Ethernet."""
    for device, kind in (("wg0", 65534), ("eth0", 1), ("eth1", 1), ("eth2", 1)):
        (tmp_path / device).mkdir()
        (tmp_path / device / "type").write_text(f"{kind}\n")
    monkeypatch.setattr("labgen.providers.networks.INTERFACES", tmp_path)


@pytest.mark.usefixtures("vpn")
def test_a_wide_way_is_warned_of_and_no_conflict() -> None:
    routes = parse_routes(ROUTES)
    assert [sentence.split(";")[0] for sentence in hidden("192.168.60.0/24", routes)] == [
        "the way to 192.168.0.0/16 is interface wg0",
        "the way to 192.160.0.0/11 is interface eth0",
    ]
    # What is just as wide as the lab, or a neighbourhood of this host's own, is one.
    assert [error.what.split(": ")[1] for error in conflicts("192.168.0.0/16", [], routes)][:2] == [
        "interface br-0123456789ab holds 192.168.60.0/24",
        "interface eth2 holds 192.168.0.0/16",
    ]


@pytest.mark.usefixtures("vpn")
def test_every_holder_of_the_range_is_named_once() -> None:
    held = [
        HeldNetwork("192.168.60.0/24", "docker network shared", "br-0123456789ab", False, "docker network rm shared")
    ]
    found = conflicts("192.168.60.0/24", held, parse_routes(ROUTES))
    assert [error.what.removeprefix("the lab's network 192.168.60.0/24 is in use here: ") for error in found] == [
        "docker network shared holds 192.168.60.0/24",
        "interface eth2 holds 192.168.0.0/16",
        "interface eth3 holds 192.168.60.0/24",
        "interface eth1 holds 192.168.60.77",
    ]
    assert all(error.exit_code == 3 and error.cure for error in found)


def test_the_labs_own_network_is_no_conflict() -> None:
    held = [HeldNetwork("192.168.60.0/24", "docker network labgen-tour", "br-0123456789ab", own=True)]
    routes = [HeldNetwork("192.168.60.0/24", "interface br-0123456789ab", "br-0123456789ab")]
    assert conflicts("192.168.60.0/24", held, routes) == []


def test_the_cure_names_the_way_out() -> None:
    [error] = conflicts("192.168.60.0/24", [], [HeldNetwork("192.168.0.0/16", "interface wg0", "wg0")])
    assert error.lines() == [
        "error: the lab's network 192.168.60.0/24 is in use here: interface wg0 holds 192.168.0.0/16",
        "  next:  give the lab another range: --set network.cidr=…",
        "         or have this one free: stop what uses it",
    ]


def test_the_cure_names_a_range_that_is_free() -> None:
    held = [HeldNetwork("192.168.60.0/24", "docker network shared", "br-0123456789ab")]
    [error] = conflicts("192.168.60.0/24", held, [], lambda: "192.168.61.0/24")
    assert error.cure
    assert error.cure.startswith("give the lab another range: --set network.cidr=192.168.61.0/24\n")


def test_only_ones_own_lab_is_to_be_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path))
    (tmp_path / "labs" / "tour" / "rendered").mkdir(parents=True)
    theirs = network_cure("labgen-tour", "by hand", Owner("0123", "eve in /home/eve"))
    assert theirs == "it is the lab tour of eve in /home/eve, who alone can destroy it"
    for own in (owner(), Owner("", ""), None):
        assert "labgen destroy tour --yes" in network_cure("labgen-tour", "by hand", own)
    assert "destroy labgen" not in network_cure("labgen-gone", "by hand", owner())
    assert "somebody else" in network_cure("labgen-gone", "by hand")


@pytest.mark.parametrize(
    ("like", "taken", "free"),
    [
        ("192.168.60.0/24", [], "192.168.61.0/24"),
        ("192.168.60.0/24", ["192.168.60.0/24", "192.168.61.128/25", "10.0.0.0/8"], "192.168.62.0/24"),
        ("192.168.60.0/24", ["192.168.61.0/24", "192.168.64.0/18"], "192.168.62.0/24"),
        ("192.168.60.0/24", ["192.168.56.0/21"], "192.168.64.0/24"),
        ("192.168.255.0/24", ["192.168.0.0/24"], "192.168.1.0/24"),
        (
            "192.168.60.0/24",
            ["192.168.61.0/24", "192.168.62.0/23", "192.168.64.0/18", "192.168.128.0/17"],
            "192.168.0.0/24",
        ),
        ("192.168.60.0/24", ["192.168.0.0/16"], None),
        (
            "192.168.60.0/24",
            [
                "192.168.0.0/19",
                "192.168.32.0/20",
                "192.168.48.0/21",
                "192.168.56.0/22",
                "192.168.61.0/24",
                "192.168.62.0/23",
                "192.168.64.0/18",
                "192.168.128.0/17",
            ],
            None,
        ),
        ("172.31.0.0/16", [], "172.16.0.0/16"),
        ("10.10.1.8/29", ["10.10.1.18/32"], "10.10.1.24/29"),
        ("10.0.0.0/29", ["10.0.0.0/8"], None),
        ("192.168.0.0/16", [], None),
    ],
)
def test_the_next_free_range(like: str, taken: list[str], free: str | None) -> None:
    found = free_network(IPv4Network(like), [IPv4Network(text) for text in taken])
    assert found == (free and IPv4Network(free))


@pytest.mark.usefixtures("vpn")
def test_ranges_that_a_lab_cannot_have(say: Say) -> None:
    found = [docker_network("labgen-tour", "192.168.62.0/24"), docker_network("shared", "192.168.61.0/24")]
    say(
        {
            "docker network ls": rows(*({"Name": network["Name"]} for network in found)),
            "docker network inspect": ToolResult(0, json.dumps(found), ""),
            "ip -json": ToolResult(0, ROUTES, ""),
        }
    )
    assert [str(network) for network in ranges_in_use(LAB)] == [
        "192.168.61.0/24",
        "192.168.0.0/16",
        "192.168.60.0/24",
        "192.168.60.77/32",
        "10.1.0.0/16",
    ]


@pytest.mark.parametrize("text", ["", "[]", "nonsense"])
def test_no_routes(text: str) -> None:
    assert parse_routes(text) == []


def test_a_tool_that_is_missing_or_hangs_is_an_answer() -> None:
    assert ask(["labgen-no-such-tool"]).rc == 127
    assert ask(["sleep", "5"], timeout=0.1).rc == 124


MARKED = "labgen.lab=tour labgen.node=n1 labgen.owner=ab12 labgen.origin=me+in+%2Fhome%2Fa%26b"


def test_whose_a_domain_is(say: Say) -> None:
    say(
        {
            "virsh --quiet --connect qemu:///system list": ToolResult(0, "labgen-tour-n1\nlabgen-tour-n2\nother\n", ""),
            "virsh --quiet --connect qemu:///system desc labgen-tour-n1": ToolResult(0, MARKED + "\n", ""),
            "virsh --quiet --connect qemu:///system desc": ToolResult(0, "No description for domain: x\n", ""),
            "virsh --quiet --connect qemu:///system domuuid": ToolResult(0, "6f-1\n", ""),
        }
    )
    mine = MarkedThing("domain", "labgen-tour-n1", "tour", "n1", "ab12", "me in /home/a&b", "6f-1")
    assert LibvirtProvider().marked() == [mine]
    # What bears no mark is proven by Vagrant's id, or by nothing.
    unmarked = MarkedThing("domain", "labgen-tour-n2", "tour", "n2", id="6f-1")
    assert LibvirtProvider().in_the_place_of(LAB) == [mine, unmarked]
