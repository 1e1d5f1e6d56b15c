"""Boot and Provision: what goes on at the same time, and whose error is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from labs import lab, write_component

from labgen.actions.lab import up as up_module
from labgen.actions.lab.up import run_on_machines
from labgen.actions.phases.base import Rendering, UpRequest, run_if_needed
from labgen.actions.phases.boot import LATER, Boot
from labgen.actions.phases.machines import LabMachines
from labgen.actions.session.open import OpenLab
from labgen.errors import NodeError, StepError, VagrantError
from labgen.plan import StepId, build_plan
from labgen.providers import Endpoint, Provider
from labgen.provision import Journal
from labgen.render.folder import write_folder
from labgen.render.nodes import render_nodes
from labgen.state import LabFolder, LabRecord
from tests.fakes.connection import Answer, FakeConnection

RENDERING = Rendering({}, {}, baked=True)


class ClusterState:
    """Machines, a Vagrant that boots them when it is told to, connections that are there when they are."""

    def __init__(self, *nodes: str) -> None:
        self.nodes = nodes
        self.running: set[str] = set()
        self.boot: Callable[[], None] = lambda: self.running.update(nodes)
        self.connections = {node: FakeConnection() for node in nodes}
        self.events: list[str] = []
        self.ended = threading.Event()

    # what Vagrant is asked

    def up(self, nodes: Collection[str] = (), *, provider: str | None = None, timeout: float = 0) -> None:
        assert (nodes, provider, timeout) == ((), "docker", 100 + LATER)
        self.events.append("vagrant up")
        try:
            self.boot()
        finally:
            self.events.append("vagrant is done")

    def lost(self, nodes: Collection[str], _provider: str) -> list[str]:
        return [node for node in nodes if node not in self.running]

    def interrupt(self) -> bool:
        self.ended.set()
        return True

    # what the reporter is told

    def phase(self, title: str, _name: str) -> None:
        self.events.append(title)

    def steps(self, _total: int) -> None: ...

    def started(self, step: StepId) -> None:
        self.events.append(f"started {step.node}")

    def finished(self, step: StepId, _seconds: float) -> None:
        self.events.append(f"finished {step.node}")

    def failed(self, step: StepId, _seconds: float) -> None:
        self.events.append(f"failed {step.node}")

    def skipped(self, _step: StepId) -> None: ...


class FakeProvider(Provider):
    """A provider of WORLD's machines."""

    name = "docker"
    seen_while_booting = True

    def __init__(self, world: ClusterState) -> None:
        self.world = world

    def states(self, *_: object) -> dict[str, str]:
        return {node: "running" if node in self.world.running else "absent" for node in self.world.nodes}

    def endpoints(self, *_: object) -> dict[str, Endpoint]:
        return {node: Endpoint("127.0.0.1", 22, "vagrant", Path("key")) for node in self.world.running}

    def reclaim(self, *_: object) -> None: ...

    def boot_timeout(self, _nodes: int) -> float:
        return 100

    def ssh_timeout(self, _nodes: int) -> float:
        return 1


class Connections(dict[str, FakeConnection]):
    """The connections to the nodes that are known by now."""

    world: ClusterState

    def __init__(self, endpoints: Mapping[str, Endpoint], *_: object, **__: object) -> None:
        super().__init__()
        self.add(endpoints)

    def add(self, endpoints: Mapping[str, Endpoint]) -> None:
        self.update({node: self.world.connections[node] for node in endpoints})

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self.world.events.append("connections closed")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ClusterState:
    made = ClusterState("first", "second")
    monkeypatch.setattr(Connections, "world", made, raising=False)
    monkeypatch.setattr(up_module, "Connections", Connections)
    return made


@pytest.fixture
def asked(world: ClusterState, tmp_path: Path) -> UpRequest:
    scripts = {f"{stage}.sh": "true\n" for stage in ("install", "start")}
    write_component(tmp_path / "components", "web", "", scripts)
    made = lab(tmp_path, {node: ["web"] for node in world.nodes})
    folder = LabFolder(tmp_path / "labs" / "sample")
    rendered = render_nodes(made, {})
    write_folder(rendered, folder.rendered)
    for script in (folder.rendered / "components" / "lib", folder.rendered / "components" / "web"):
        script.mkdir(parents=True)
        (script / "start.sh").write_text("true\n")
    plan = build_plan(made)
    return UpRequest(
        opened=OpenLab(
            made, folder, LabRecord("sample", "sample.yml", made.profile, "docker"), tmp_path / "sample.yml"
        ),
        plan=plan,
        machines=LabMachines(made, FakeProvider(world), world),  # type: ignore[arg-type]
        reporter=world,  # type: ignore[arg-type]
        cache=tmp_path / "cache",
        # Without the checks after them.
        subset=plan,
    )


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_steps_begin_while_vagrant_boots_others(world: ClusterState, asked: UpRequest) -> None:
    def boot() -> None:
        world.running.add("first")
        until(lambda: "finished first" in world.events)
        assert "started second" not in world.events
        world.running.add("second")

    world.boot = boot
    run_on_machines(asked, RENDERING)
    assert world.events.index("finished first") < world.events.index("vagrant is done")
    assert "finished second" in world.events
    # Every node has got its folder before its step; the install step is in its image.
    for connection in world.connections.values():
        assert "tar -x" in connection.commands[0]
        assert connection.commands[1:] == ["bash /opt/labgen/components/lib/run.sh web start"]


def test_boot_ends_with_the_first_machine_only_where_it_can_be_seen(world: ClusterState, asked: UpRequest) -> None:
    go = threading.Event()

    def boot() -> None:
        world.running.add("first")
        assert go.wait(10)
        world.running.add("second")

    world.boot = boot
    boot = run_if_needed(Boot(asked), asked.reporter)
    assert "vagrant is done" not in world.events
    go.set()
    assert boot is not None
    boot.booting.wait()
    world.running.clear()
    blind = type("Blind", (FakeProvider,), {"seen_while_booting": False})(world)
    machines = replace(asked.machines, provider=blind)
    assert run_if_needed(Boot(replace(asked, machines=machines)), asked.reporter)
    assert world.events[-1] == "vagrant is done"
    assert world.running == {"first", "second"}


def test_vagrant_s_error_is_told_and_steps_under_way_are_ended(world: ClusterState, asked: UpRequest) -> None:
    world.connections["first"].answers["run.sh"] = Answer(until=threading.Event())

    def boot() -> None:
        world.running.add("first")
        until(lambda: "started first" in world.events)
        raise VagrantError("no such image")

    world.boot = boot
    with pytest.raises(VagrantError, match="no such image"):
        run_on_machines(asked, RENDERING)
    assert world.connections["first"].cancelled.is_set()
    assert world.events[-1] == "connections closed"


def test_vagrant_s_error_before_any_machine_is_boot_s(world: ClusterState, asked: UpRequest) -> None:
    def boot() -> None:
        raise VagrantError("no such image")

    world.boot = boot
    with pytest.raises(VagrantError, match="no such image"):
        run_on_machines(asked, RENDERING)
    assert "Provision" not in world.events


def test_vagrant_comes_to_its_end_when_a_step_fails(world: ClusterState, asked: UpRequest) -> None:
    world.connections["first"].answers["run.sh"] = Answer(rc=1)

    def boot() -> None:
        world.running.add("first")
        until(lambda: "failed first" in world.events)
        time.sleep(0.1)
        world.running.add("second")

    world.boot = boot
    with pytest.raises(StepError, match="first/web/start failed"):
        run_on_machines(asked, RENDERING)
    assert world.running == {"first", "second"}
    assert not world.ended.is_set()
    # What the next `up` has to do: nothing is lost, nothing is taken for done that is not.
    journal = Journal(asked.folder.journal)
    done = {step.id for step in asked.plan.steps if step.id in journal._done}
    journal.close()
    assert done == {step.id for step in asked.plan.of_stage("install")}


def test_ctrl_c_ends_vagrant(world: ClusterState, asked: UpRequest) -> None:
    def boot() -> None:
        world.running.add("first")
        assert world.ended.wait(10)
        raise VagrantError("it was ended")

    def pressed() -> None:
        raise KeyboardInterrupt

    world.boot = boot
    world.started = lambda _step: pressed()  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        run_on_machines(asked, RENDERING)
    assert world.events[-2:] == ["vagrant is done", "connections closed"]


def test_a_machine_that_does_not_run_after_its_boot_is_named(world: ClusterState, asked: UpRequest) -> None:
    world.boot = lambda: world.running.add("first")
    with pytest.raises(NodeError, match="Vagrant has booted second, but it does not run"):
        run_on_machines(asked, RENDERING)


def test_nodes_that_run_need_no_boot(world: ClusterState, asked: UpRequest) -> None:
    world.running.update(world.nodes)
    run_on_machines(asked, RENDERING)
    assert "vagrant up" not in world.events
    assert "Boot" not in world.events
    # They are no new machines, so their install steps are not taken for done.
    assert world.events.count("finished first") == 2
