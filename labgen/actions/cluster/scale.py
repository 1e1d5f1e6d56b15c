"""`scale`: Patroni nodes come and go while the lab runs."""

from __future__ import annotations

import shutil
from dataclasses import replace

from labgen.actions.lab.up import UpResult, bring_up
from labgen.actions.session.cluster import ANSWER_WITHIN, patroni_of
from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import OpenLab, existing_lab
from labgen.actions.session.reporter import Reporter
from labgen.actions.session.vagrant import vagrant_of
from labgen.components.registry import LEAVE
from labgen.errors import OperationError, VagrantError
from labgen.host.capacity import check_memory
from labgen.lab.scaling import begun, grown, leaving
from labgen.operations import Patroni, forget_member, hand_over, leader_of
from labgen.plan import build_plan
from labgen.providers import get_provider
from labgen.provision import Connections, Journal, forget_host
from labgen.provision.engine import RUN

LEAVING = 600.0
"""Seconds that a component may take to leave: PostgreSQL writes down what it has in memory."""


def scale(name: str, by: int, reporter: Reporter) -> UpResult:
    """Give the lab NAME so many Patroni nodes more, or take the last -BY away; goes on with one that was cut off.

    Returns the `up` that brings it to an end. Raises UnknownNameError, OperationError with the reason why this cannot
    be, or what `up` raises.
    """
    with existing_lab(name).folder.locked():
        opened = existing_lab(name)
        scale = begun(opened.record.scale, by, name)
        goes_on = scale == opened.record.scale
        with patroni_of(name, alone=False) as patroni:
            leader_of(patroni.view(), name)
        opened = replace(opened, record=replace(opened.record, scale=scale))
        if by > 0 and not goes_on:
            opened = _grow(opened, by)
        elif by < 0:
            opened = _shrink(opened, reporter)
        return bring_up(opened, reporter)


def _grow(opened: OpenLab, by: int) -> OpenLab:
    """The lab with further nodes, written down: from now on `up` makes them and `destroy` removes them."""
    bigger = opened
    for _ in range(by):
        bigger = bigger.rescaled(grown(bigger.lab, bigger.record.scale))
    new = tuple(node for node in bigger.lab.nodes if node not in opened.lab.nodes)
    check_memory(get_provider(bigger.lab.provider).memory_needed(replace(bigger.lab, nodes=new)))
    bigger.save()
    return bigger


def _shrink(opened: OpenLab, reporter: Reporter) -> OpenLab:
    """The lab without the nodes that have still to leave; each is out of the record as soon as its machine is gone."""
    going = leaving(opened.lab, opened.record.scale.left)
    opened.save()
    for node in going:
        reporter.phase(f"Remove {node}", "remove")
        connections = Connections(endpoints(opened), opened.folder.known_hosts, timeout=ANSWER_WITHIN)
        with connections:
            _leave(opened, node, going, connections, reporter)
        reporter.progress(f"{node} is destroyed")
        _destroy(opened, node)
        opened = opened.rescaled(opened.record.scale.without(node))
        opened.save()
    return opened


def _leave(opened: OpenLab, node: str, going: tuple[str, ...], connections: Connections, reporter: Reporter) -> None:
    """NODE leaves the cluster, and the cluster forgets it. May be done again after it was cut off."""
    lab, patroni = opened.lab, Patroni(opened.lab, connections)
    view = patroni.view()
    _refuse_if_others_are_broken(patroni, going)
    if leader_of(view, lab.name).name == node:
        reporter.note(f"{node} leads: it hands over first")
        hand_over(patroni, None, reporter.progress, avoid=going)
    # What is stopped here is no longer done: if this is cut off, `up` starts it again.
    journal = Journal(opened.folder.journal)
    journal.forget(step.id for step in build_plan(lab).of_stage("start", "ready") if step.id.node == node)
    journal.close()
    if node not in connections:
        reporter.note(f"{node} does not run: it leaves without a goodbye")
    else:
        for component in reversed(lab.node(node).components):
            if lab.components[component].leaves:
                reporter.progress(f"{component} leaves {node}")
                patroni.run(node, f"{RUN} {component} {LEAVE}", LEAVING)
    forget_member(patroni, node, reporter.progress)


def _refuse_if_others_are_broken(patroni: Patroni, going: tuple[str, ...]) -> None:
    """A slot of a replica that is away would go with the one that leaves, and with it what that replica has missed."""
    view = patroni.view()
    broken = [
        node
        for node in patroni.nodes
        if node not in going and not view.follows(node) and (view.leader is None or node != view.leader.name)
    ]
    if broken:
        lab = patroni.lab.name
        raise OperationError(
            f"{', '.join(broken)} does not follow the leader: nobody leaves before all that stay are well",
            where=lab,
            cure=f"labgen up {lab}, or labgen reinit {lab} {broken[0]}",
        )


def _destroy(opened: OpenLab, node: str) -> None:
    """The machine goes, and what was kept about it; raises VagrantError if it is still there."""
    provider, vagrant = get_provider(opened.lab.provider), vagrant_of(opened)

    def there() -> bool:
        return provider.states(opened.lab, vagrant)[node] != "absent"

    if (snapshotter := provider.snapshotter) and there():
        snapshotter.release(opened.lab, [node])
    if there():
        vagrant.destroy([node], parallel=False)
    if there():
        provider.reclaim(opened.lab, [node])
    if there():
        raise VagrantError(
            f"the machine of {node} is still there",
            where=opened.folder.logs,
            cure="repeat the command, or remove the machine by hand",
        )
    shutil.rmtree(opened.folder.rendered / ".vagrant" / "machines" / node, ignore_errors=True)
    journal = Journal(opened.folder.journal)
    journal.forget_node(node)
    journal.close()
    forget_host(opened.folder.known_hosts, [node])
