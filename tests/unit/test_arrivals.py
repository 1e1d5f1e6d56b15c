"""Nodes that come up one after the other, and a boot that goes on beside other things."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from labgen.actions.phases.booting import Booting
from labgen.errors import LabgenError, NodeError, VagrantError
from labgen.providers import Provider, Vagrant
from labgen.providers.docker import DockerProvider
from labgen.providers.libvirt import LibvirtProvider
from labgen.provision import NodeReadiness
from tests.fakes.vagrant import install_vagrant


def until(holds: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


class Host:
    """Machines that run once they are told to."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.asked: list[Collection[str]] = []
        self.taken: list[str] = []
        self.errors: dict[str, BaseException] = {}
        self.gate = threading.Event()
        self.gate.set()

    def find(self, nodes: Collection[str]) -> Collection[str]:
        self.asked.append(nodes)
        return self.running & set(nodes)

    def take_in(self, node: str) -> None:
        assert self.gate.wait(10)
        if error := self.errors.get(node):
            raise error
        self.taken.append(node)


def test_each_node_is_taken_in_when_it_is_there() -> None:
    host = Host()
    arrivals = NodeReadiness(["a", "b"], host.find, host.take_in)
    assert set(arrivals.missing()) == {"a", "b"}
    host.running.add("b")
    until(lambda: set(arrivals.missing()) == {"a"})
    assert host.taken == ["b"]
    host.running.add("a")
    until(lambda: not arrivals.missing())
    assert host.taken == ["b", "a"]
    # Nobody is asked about nodes that are there.
    asked = len(host.asked)
    time.sleep(0.15)
    assert not arrivals.missing()
    assert len(host.asked) == asked
    assert host.asked[-1] == frozenset({"a"})


def test_a_node_that_runs_is_missing_until_it_is_taken_in() -> None:
    host = Host()
    host.gate.clear()
    host.running.add("a")
    arrivals = NodeReadiness(["a"], host.find, host.take_in)
    until(lambda: arrivals.missing() and len(host.asked) == 1)
    assert set(arrivals.missing()) == {"a"}
    host.gate.set()
    until(lambda: not arrivals.missing())


def test_the_provider_is_not_asked_without_a_rest() -> None:
    host = Host()

    def slowly(nodes: Collection[str]) -> Collection[str]:
        time.sleep(0.1)
        return host.find(nodes)

    arrivals = NodeReadiness(["a"], slowly, host.take_in)
    end = time.monotonic() + 0.45
    while time.monotonic() < end:
        arrivals.missing()
        time.sleep(0.01)
    assert len(host.asked) == 1


def test_one_error_is_told_as_it_is_and_several_together() -> None:
    host = Host()
    host.running = {"a", "b"}
    host.errors = {node: NodeError(f"node {node} is deaf", cure="shout") for node in "ab"}
    both, one = (NodeReadiness(["a", "b"], host.find, host.take_in) for _ in range(2))
    with pytest.raises(NodeError, match="2 nodes cannot be used") as told:
        until(lambda: not both.missing())
    assert told.value.detail == ("node a is deaf", "node b is deaf")
    assert told.value.cure == "shout"
    del host.errors["b"]
    with pytest.raises(NodeError, match="node a is deaf"):
        until(lambda: not one.missing())


def test_a_fault_of_labgen_s_own_is_not_hidden() -> None:
    host = Host()
    host.running = {"a", "b"}
    host.errors = {"a": NodeError("deaf"), "b": ZeroDivisionError("oops")}
    arrivals = NodeReadiness(["a", "b"], host.find, host.take_in)
    with pytest.raises(ZeroDivisionError):
        until(lambda: not arrivals.missing())


# ---------------------------------------------------------------- the boot


def test_a_boot_s_error_is_told_when_it_is_over() -> None:
    gate = threading.Event()

    def boot() -> None:
        gate.wait(10)
        raise VagrantError("no such image")

    booting = Booting(boot, lambda: False)
    booting.check()
    assert not booting.over
    gate.set()
    booting.wait()
    with pytest.raises(LabgenError, match="no such image"):
        booting.check()


def test_a_boot_that_is_over_is_not_ended() -> None:
    booting = Booting(lambda: None, lambda: pytest.fail("there is nothing to end"))
    booting.wait()
    booting.end()
    booting.check()


@pytest.fixture
def sleepy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vagrant:
    """A Vagrant that takes long to boot, and does not mind the first Ctrl-C."""
    traps = f"trap 'touch {tmp_path}/asked' INT; trap 'exit 9' TERM"
    script = f"{traps}; touch {tmp_path}/there; for i in {{1..600}}; do sleep 0.05; done"
    install_vagrant(tmp_path, monkeypatch, {"up": script})
    (tmp_path / "lab").mkdir()
    return Vagrant(tmp_path / "lab", tmp_path / "logs")


def test_vagrant_is_ended_as_ctrl_c_does_and_faster_when_it_is_pressed_again(sleepy: Vagrant, tmp_path: Path) -> None:
    assert not sleepy.interrupt()  # nothing runs yet
    booting = Booting(lambda: sleepy.up(timeout=60), sleepy.interrupt)
    until((tmp_path / "there").exists)

    def press() -> None:
        until((tmp_path / "asked").exists)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    began = time.monotonic()
    booting.end()
    presser.join()
    # It would have had fifteen seconds after the first signal.
    assert time.monotonic() - began < 10
    with pytest.raises(VagrantError, match="`vagrant up --no-provision` was ended"):
        booting.check()


def test_only_docker_s_machines_are_seen_while_vagrant_boots_others() -> None:
    assert DockerProvider().seen_while_booting
    assert not LibvirtProvider().seen_while_booting
    assert not Provider.seen_while_booting
