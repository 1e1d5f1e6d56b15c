"""Every message about an operation that cannot be, in one golden file: the case, then what labgen says about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labgen.actions.cluster.maintenance import maintain
from labgen.actions.cluster.reinit import copy_anew
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.errors import LabgenError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.lab.scaling import Scale, begun, grown, leaving, scaled
from labgen.operations import Patroni, forget_member, hand_over
from labgen.operations import patroni as patroni_module
from tests.fakes.patroni import FakeCluster

HERE = Path(__file__).parent


LOADED = load_blueprint(find_blueprint("etcd-patroni-ops"))
LAB = resolve(LOADED, provider="docker")


def scaled_lab(scale: Scale) -> Lab:
    return resolve(scaled(LOADED, scale), provider="docker")


def silent(_text: str) -> None: ...


def nothing(_cluster: FakeCluster) -> None: ...


def change(cluster: FakeCluster, member: str, **values: object) -> None:
    for name, value in values.items():
        setattr(cluster.members[member], name, value)


def dead(cluster: FakeCluster, *members: str) -> None:
    for member in members:
        change(cluster, member, answers=False)


def without_leader(cluster: FakeCluster) -> None:
    for member in cluster.members:
        change(cluster, member, role="replica", state="running")


def switchover(to: str | None = None) -> Callable[[Patroni], object]:
    return lambda patroni: hand_over(patroni, to, silent)


Spoil = Callable[[FakeCluster], object]
CLUSTERS: dict[str, tuple[Spoil, Callable[[Patroni], object]]] = {
    "switchover in maintenance mode": (lambda c: c.config.update(pause=True), switchover()),
    "switchover without a leader": (without_leader, switchover("node2")),
    "switchover with two leaders": (lambda c: change(c, "node2", role="leader"), switchover()),
    "switchover to a misspelt node": (nothing, switchover("nod2")),
    "switchover to a node without Patroni": (nothing, switchover("node0")),
    "switchover to the leader": (nothing, switchover("node1")),
    "switchover to one that is no member": (lambda c: c.members.pop("node3"), switchover("node3")),
    "switchover to a stopped replica": (lambda c: change(c, "node3", state="stopped"), switchover("node3")),
    "switchover to one on another timeline": (lambda c: change(c, "node3", timeline=1), switchover("node3")),
    "switchover to one that may not lead": (
        lambda c: change(c, "node3", tags={"nofailover": True}),
        switchover("node3"),
    ),
    "switchover to one that lags": (lambda c: change(c, "node3", lag=50_000_000), switchover("node3")),
    "switchover to one of unknown lag": (lambda c: change(c, "node3", lag="unknown"), switchover("node3")),
    "switchover to one that is not synchronous": (
        lambda c: (c.config.update(synchronous_mode=True), change(c, "node2", role="sync_standby")),
        switchover("node3"),
    ),
    "switchover while none is synchronous": (lambda c: c.config.update(synchronous_mode=True), switchover("node3")),
    "switchover without a fit replica": (
        lambda c: (change(c, "node2", state="stopped"), change(c, "node3", state="creating replica")),
        switchover(),
    ),
    "switchover that Patroni refuses": (
        lambda c: c.refuses.update(switchover=(412, "switchover is not possible: no good candidates have been found")),
        switchover(),
    ),
    "switchover that ends elsewhere": (
        lambda c: c.refuses.update(switchover=(200, 'Switched over to "node3" instead of "node2"')),
        switchover("node2"),
    ),
    "switchover while nobody answers": (lambda c: dead(c, *c.members), switchover()),
    "switchover while the DCS is away": (lambda c: [change(c, node, hangs=True) for node in c.members], switchover()),
    "switchover while the leader is dead": (lambda c: dead(c, "node1"), switchover()),
    "maintenance while the DCS is busy": (
        lambda c: c.refuses.update(config=(409, "<html>Conflict</html>")),
        lambda patroni: maintain(patroni, True, silent),
    ),
    "reinit of the leader": (nothing, lambda patroni: copy_anew(patroni, "node1", silent)),
    "reinit in maintenance mode": (
        lambda c: c.config.update(pause=True),
        lambda patroni: copy_anew(patroni, "node3", silent),
    ),
    "reinit where Patroni is stopped": (lambda c: dead(c, "node3"), lambda p: copy_anew(p, "node3", silent)),
    "reinit that Patroni refuses": (
        lambda c: c.refuses.update(reinitialize=(503, "reinitialize already in progress")),
        lambda patroni: copy_anew(patroni, "node3", silent),
    ),
    "scale -1, and the member stays": (lambda c: c.config.update(ttl=0), lambda p: forget_member(p, "node3", silent)),
}
SCALES: dict[str, Callable[[], object]] = {
    "scale -2 of three": lambda: leaving(LAB, 2),
    "scale -1 of a node with a DCS member": lambda: leaving(stacked(), 1),
    "scale +1 after a scale +2 that was cut off": lambda: begun(Scale(by=2), 1, LAB.name),
    "a name of the edited blueprint's": lambda: scaled(LOADED, Scale(added=(("node2", "10.10.1.77"),))),
    "an address of the edited blueprint's": lambda: scaled(LOADED, Scale(added=(("node4", "10.10.1.12"),))),
    "scale +1 in a full network": lambda: grown(scaled_lab(Scale(added=(("node4", "10.10.1.254"),))), Scale()),
}


def stacked() -> Lab:
    """A lab whose last Patroni node is a member of etcd too."""
    nodes = LOADED.blueprint.nodes
    last = nodes[-1].model_copy(update={"components": ("etcd", *nodes[-1].components)})
    blueprint = LOADED.blueprint.model_copy(update={"nodes": (*nodes[:-1], last)})
    return resolve(replace(LOADED, blueprint=blueprint), provider="docker")


def told(work: Callable[[], object]) -> str:
    with pytest.raises(LabgenError) as caught:
        work()
    return "".join(f"{line}\n" for line in caught.value.lines())


def test_operations_that_cannot_be(
    golden: Callable[[Path, str], None], readable: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patroni_module, "POLL", 0.0)
    monkeypatch.setattr("labgen.operations.membership.TIMEOUT", 0.0)
    monkeypatch.setattr("labgen.operations.handover.PASSES", 0.0)
    text = ""
    for case, (spoil, work) in CLUSTERS.items():
        cluster = FakeCluster(LAB)
        spoil(cluster)
        patroni = Patroni(LAB, cluster.connections)
        text += f"# {case}\n{told(lambda work=work, patroni=patroni: work(patroni))}\n"
    for case, work in SCALES.items():
        text += f"# {case}\n{told(work)}\n"
    golden(HERE / "operations.txt", text)
    readable(text)
