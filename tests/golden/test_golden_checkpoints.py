"""Every message about a checkpoint that cannot be, in one golden file: the case, then what labgen says about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labgen.actions import checkpoint as actions
from labgen.checkpoint import Checkpoint, LabVersion
from labgen.checkpoint.clocks import set_clocks
from labgen.errors import LabgenError
from labgen.plan import build_plan, plan_until
from labgen.providers import docker_snapshotter, get_provider, require_snapshotter, virsh
from labgen.providers.docker_snapshotter import DockerSnapshotter
from labgen.providers.libvirt_snapshotter import LibvirtSnapshotter
from labgen.system.tools import ToolResult
from tests.fakes.connection import Answer as Said
from tests.fakes.connection import FakeConnection
from tests.fakes.world import ClusterState

HERE = Path(__file__).parent
Work = Callable[[ClusterState], object]


def told(work: Callable[[], object]) -> str:
    with pytest.raises(LabgenError) as caught:
        work()
    return "".join(f"{line}\n" for line in caught.value.lines())


def restored(change: Callable[[LabVersion], LabVersion]) -> Work:
    """A checkpoint whose lab differed as CHANGE says."""

    def work(world: ClusterState) -> object:
        made = world.save()
        world.store.put(replace(made, version=change(made.version)))
        return actions.restore(world.name, made.name, world.heard)

    return work


def without(version: LabVersion, node: str) -> LabVersion:
    return replace(version, nodes={name: about for name, about in version.nodes.items() if name != node})


def grown(version: LabVersion) -> LabVersion:
    return replace(version, nodes={**version.nodes, "node4": version.nodes["node3"]})


def other_steps(version: LabVersion, end: str) -> LabVersion:
    return replace(version, steps={step: "x" if step.endswith(end) else it for step, it in version.steps.items()})


def taken(world: ClusterState) -> object:
    world.save()
    return world.save()


def stopped(world: ClusterState) -> object:
    world.provider.word = {"node2": "stopped", "node3": "absent"}
    return world.save()


def half_way(world: ClusterState) -> object:
    world.save()
    world.store.begin_restore("well")
    return world.save("another")


def lost(world: ClusterState) -> object:
    made: Checkpoint = world.save()
    world.snapshotter.snapshots[made.snapshot_id] -= {"node2", "node3"}
    return actions.restore(world.name, made.name, world.heard)


def full(world: ClusterState) -> object:
    world.snapshotter.mib = 4321
    return world.save()


def misspelt(world: ClusterState) -> object:
    world.save("before-failover")
    return actions.delete(world.name, "befor-failover")


def unlike_any(world: ClusterState) -> object:
    world.save("lesson-1")
    world.save("lesson-2")
    return actions.restore(world.name, "tuesday", world.heard)


CASES: dict[str, Work] = {
    "a name that cannot be": lambda w: w.save("Before Failover"),
    "a name that is taken": taken,
    "a lab that does not run": stopped,
    "a lab half-way back to a checkpoint": half_way,
    "a full disk": full,
    "no lab": lambda _: actions.checkpoint_lines("nowhere"),
    "a misspelt checkpoint": misspelt,
    "a checkpoint that is none": unlike_any,
    "no checkpoint at all": lambda w: actions.restore(w.name, "well", w.heard),
    "virtualbox": lambda w: require_snapshotter(get_provider("virtualbox"), w.name),
    "another version of a program": restored(lambda v: replace(v, versions={**v.versions, "patroni": "3.3.2"})),
    "another profile": restored(lambda v: replace(v, profile="published", os="debian-11")),
    "another network": restored(lambda v: replace(v, network="10.77.1.0/24")),
    "a node that was added": restored(lambda v: without(v, "node3")),
    "a node that was removed": restored(grown),
    "another setting": restored(lambda v: replace(v, overrides=("patroni.ttl=60",))),
    "another script": restored(lambda v: other_steps(v, "patroni/configure")),
    "another library": restored(lambda v: other_steps(v, "")),
    "one that is not whole": lost,
    "a stage that is none": lambda w: plan_until(build_plan(w.opened.lab), "tuesday"),
    "a misspelt stage": lambda w: plan_until(build_plan(w.opened.lab), "patrony"),
    "a component that is not started": lambda w: plan_until(build_plan(w.opened.lab), "postgresql"),
    "clocks that are not set": lambda w: set_clocks(
        {"node1": FakeConnection({"date": Said(rc=1, stderr="date: cannot set date")})}, w.name
    ),
}
TOOLS: dict[str, tuple[ToolResult, Work]] = {
    "docker that cannot pause": (
        ToolResult(1, "", "Error response from daemon: cannot pause container 12ab: OCI runtime pause failed"),
        lambda w: DockerSnapshotter().unpause(w.opened.lab),
    ),
    "libvirt that cannot revert": (
        ToolResult(1, "", "error: revert requires force: Target domain does not match source"),
        lambda w: LibvirtSnapshotter().restore(w.opened.lab, "c1", lambda _: None),
    ),
}


def test_checkpoints_that_cannot_be(
    golden: Callable[[Path, str], None],
    readable: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, world = "", ClusterState(tmp_path, monkeypatch)
    for case, work in CASES.items():
        world.forget()
        monkeypatch.setattr(actions, "free_disk", lambda _, case=case: 500 if case == "a full disk" else 1 << 20)
        text += f"# {case}\n{told(lambda work=work: work(world))}\n"
    for case, (answer, work) in TOOLS.items():

        def ask(command: list[str], answer: ToolResult = answer, **_: float) -> ToolResult:
            line = " ".join(command)
            if line.startswith("docker ps"):
                return ToolResult(0, '{"Names": "labgen-etcd-patroni-ops-node1", "State": "paused"}\n', "")
            return answer if "unpause" in line or "snapshot-revert" in line else ToolResult(0, "", "")

        monkeypatch.setattr(docker_snapshotter, "ask", ask)
        monkeypatch.setattr(virsh, "ask", ask)
        text += f"# {case}\n{told(lambda work=work: work(world))}\n"
    golden(HERE / "checkpoints.txt", text)
    readable(text)
