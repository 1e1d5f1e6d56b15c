"""Boot and Provision: what goes on at the same time, and whose error is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from labs import lab, write_component

from labgen.actions.phases import up_phases
from labgen.actions.phases.base import Run, run_phases
from labgen.actions.phases.up_phases import LATER, Boot, Provision
from labgen.actions.session.open import OpenLab
from labgen.errors import NodeError, StepError, VagrantError
from labgen.plan import StepId, build_plan
from labgen.providers import Endpoint, Provider
from labgen.provision import Journal
from labgen.render.folder import write_folder
from labgen.render.lab import Machines
from labgen.render.nodes import render_nodes
from labgen.state import LabFolder, LabRecord
from tests.fakes.connection import Answer, FakeConnection


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

    def phase(self, title: str) -> None:
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

    def close(self) -> None:
        self.world.events.append("connections closed")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ClusterState:
    made = ClusterState("first", "second")
    monkeypatch.setattr(Connections, "world", made, raising=False)
    monkeypatch.setattr(up_phases, "Connections", Connections)
    return made


@pytest.fixture
def run(world: ClusterState, tmp_path: Path) -> Run:
    scripts = {f"{stage}.sh": "true\n" for stage in ("install", "start")}
    write_component(tmp_path / "components", "web", "", scripts)
    made = lab(tmp_path, {node: ["web"] for node in world.nodes})
    folder = LabFolder(tmp_path / "labs" / "sample")
    rendered = render_nodes(made, {})
    write_folder(rendered, folder.rendered)
    for script in (folder.rendered / "components" / "lib", folder.rendered / "components" / "web"):
        script.mkdir(parents=True)
        (script / "start.sh").write_text("true\n")
    fakes: dict[str, Any] = {"provider": FakeProvider(world), "vagrant": world, "reporter": world}
    return Run(
        opened=OpenLab(
            made, folder, LabRecord("sample", "sample.yml", made.profile, "docker"), tmp_path / "sample.yml"
        ),
        plan=build_plan(made),
        cache=tmp_path / "cache",
        machines=Machines(images={}),
        **fakes,
    )


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_steps_begin_while_vagrant_boots_others(world: ClusterState, run: Run) -> None:
    def boot() -> None:
        world.running.add("first")
        until(lambda: "finished first" in world.events)
        assert "started second" not in world.events
        world.running.add("second")

    world.boot = boot
    run_phases((Boot(), Provision()), run)
    assert world.events.index("finished first") < world.events.index("vagrant is done")
    assert "finished second" in world.events
    # Every node has got its folder before its step; the install step is in its image.
    for connection in world.connections.values():
        assert "tar -x" in connection.commands[0]
        assert connection.commands[1:] == ["bash /opt/labgen/components/lib/run.sh web start"]


def test_boot_ends_with_the_first_machine_only_where_it_can_be_seen(world: ClusterState, run: Run) -> None:
    go = threading.Event()

    def boot() -> None:
        world.running.add("first")
        assert go.wait(10)
        world.running.add("second")

    world.boot = boot
    assert Boot().needed(run)
    Boot().run(run)
    assert "vagrant is done" not in world.events
    go.set()
    assert run.booting is not None
    run.booting.wait()
    world.running.clear()
    blind = replace(run, provider=type("Blind", (FakeProvider,), {"seen_while_booting": False})(world))  # type: ignore[arg-type]
    assert Boot().needed(blind)
    Boot().run(blind)
    assert world.events[-1] == "vagrant is done"
    assert world.running == {"first", "second"}


def test_vagrant_s_error_is_told_and_steps_under_way_are_ended(world: ClusterState, run: Run) -> None:
    world.connections["first"].answers["run.sh"] = Answer(until=threading.Event())

    def boot() -> None:
        world.running.add("first")
        until(lambda: "started first" in world.events)
        raise VagrantError("no such image")

    world.boot = boot
    with pytest.raises(VagrantError, match="no such image"):
        run_phases((Boot(), Provision()), run)
    assert world.connections["first"].cancelled.is_set()
    assert world.events[-1] == "connections closed"


def test_vagrant_s_error_before_any_machine_is_boot_s(world: ClusterState, run: Run) -> None:
    def boot() -> None:
        raise VagrantError("no such image")

    world.boot = boot
    with pytest.raises(VagrantError, match="no such image"):
        run_phases((Boot(), Provision()), run)
    assert "Provision" not in world.events


def test_vagrant_comes_to_its_end_when_a_step_fails(world: ClusterState, run: Run) -> None:
    world.connections["first"].answers["run.sh"] = Answer(rc=1)

    def boot() -> None:
        world.running.add("first")
        until(lambda: "failed first" in world.events)
        time.sleep(0.1)
        world.running.add("second")

    world.boot = boot
    with pytest.raises(StepError, match="first/web/start failed"):
        run_phases((Boot(), Provision()), run)
    assert world.running == {"first", "second"}
    assert not world.ended.is_set()
    # What the next `up` has to do: nothing is lost, nothing is taken for done that is not.
    journal = Journal(run.folder.journal)
    done = {step.id for step in run.plan.steps if step.id in journal._done}
    journal.close()
    assert done == {step.id for step in run.plan.of_stage("install")}


def test_ctrl_c_ends_vagrant(world: ClusterState, run: Run) -> None:
    def boot() -> None:
        world.running.add("first")
        assert world.ended.wait(10)
        raise VagrantError("it was ended")

    def pressed() -> None:
        raise KeyboardInterrupt

    world.boot = boot
    world.started = lambda _step: pressed()  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        run_phases((Boot(), Provision()), run)
    assert world.events[-2:] == ["vagrant is done", "connections closed"]


def test_a_machine_that_does_not_run_after_its_boot_is_named(world: ClusterState, run: Run) -> None:
    world.boot = lambda: world.running.add("first")
    with pytest.raises(NodeError, match="Vagrant has booted second, but it does not run"):
        run_phases((Boot(), Provision()), run)


def test_nodes_that_run_need_no_boot(world: ClusterState, run: Run) -> None:
    world.running.update(world.nodes)
    run_phases((Boot(), Provision()), run)
    assert "vagrant up" not in world.events
    assert run.booting is None
    # They are no new machines, so their install steps are not taken for done.
    assert world.events.count("finished first") == 2
