"""Who takes over: pure rules over a View, and the words for every reason why not."""

from __future__ import annotations

from collections.abc import Collection

from labgen.checks.builtin.patroni import PatroniMember
from labgen.checks.wording import listed
from labgen.errors import OperationError
from labgen.operations.view import FOLLOWS, SYNCHRONOUS, View

WITHOUT_TAG = "without that tag it may: labgen up {{lab}} --set nodes.{{node}}.patroni.tags.{tag}=false"


class NotYetError(OperationError):
    """A reason that passes by itself where the cluster has just changed: a member comes back, a lag is told."""


def leader_of(view: View, lab: str) -> PatroniMember:
    """The leader; raises OperationError in maintenance mode, in which nobody may be moved, and where there is none."""
    if view.cluster.paused:
        raise OperationError(
            "the cluster is in maintenance mode: Patroni leaves every node as it is",
            where=lab,
            cure=f"labgen maintenance {lab} off",
        )
    if view.leader is None:
        leaders = listed(member.name for member in view.cluster.leaders)
        raise NotYetError(
            f"the cluster has several leaders: {leaders}" if leaders else "the cluster has no leader",
            where=lab,
            cure=f"labgen verify {lab} -v shows what is wrong",
        )
    return view.leader


def choose(
    view: View,
    wanted: str | None,
    *,
    lab: str,
    synchronous: bool = False,
    most: int | None = None,
    avoid: Collection[str] = (),
) -> str:
    """The member that takes over from the leader: WANTED, else the best one. Raises OperationError with the reason.

    synchronous: whether only a synchronous replica may. most: bytes that it may be behind. avoid: members that are
    not chosen by themselves.
    """
    leader = leader_of(view, lab)
    if wanted == leader.name:
        raise OperationError(
            f"{wanted} is the leader already", where=lab, cure=f"labgen switchover {lab} hands over to the best replica"
        )
    if wanted is not None and wanted not in view.members:
        raise NotYetError(
            f"{wanted} is no member of the cluster now",
            where=lab,
            cure=f"look why: labgen logs {lab} {wanted} -u patroni",
        )
    faults = {
        name: _fault(view, name, synchronous, most)
        for name in view.members
        if name != leader.name and name not in avoid
    }
    never = view.barred | view.unsynced if synchronous else view.barred
    if wanted is not None:
        if fault := faults.get(wanted):
            what, cure = fault
            kind = OperationError if wanted in never else NotYetError
            if wanted in never and None in faults.values():
                cure += "\nor another one takes over: labgen switchover {lab}"
            raise kind(f"{wanted} {what}", where=lab, cure=cure.format(lab=lab, node=wanted))
        return wanted
    fit = [name for name, fault in faults.items() if fault is None]
    if not fit:
        reasons = {name: fault for name, fault in faults.items() if fault}
        cures = dict.fromkeys(cure.format(lab=lab, node=name) for name, (_, cure) in reasons.items())
        kind = NotYetError if faults.keys() - never else OperationError
        raise kind(
            "no replica can take over",
            where=lab,
            detail=[f"{name} {what}" for name, (what, _) in reasons.items()],
            cure="\n".join(cures) or f"labgen scale {lab} +1 adds a replica",
        )
    return min(fit, key=lambda name: (view.members[name].role not in SYNCHRONOUS, view.lags[name] or 0, name))


def _fault(view: View, name: str, synchronous: bool, most: int | None) -> tuple[str, str] | None:
    """Why the replica NAME cannot take over, as the end of a sentence, and the cure, with {lab} and {node} in it."""
    member, leader, lag = view.members[name], view.leader, view.lags[name]
    if member.state not in FOLLOWS:
        return (
            f"is {member.state or 'in no known state'}: it does not follow the leader",
            "look why: labgen logs {lab} {node} -u patroni\nor copy it anew: labgen reinit {lab} {node}",
        )
    if leader is not None and member.timeline != leader.timeline:
        return (
            f"is on timeline {member.timeline}, the leader on {leader.timeline}",
            "wait until it has followed; if it does not: labgen reinit {lab} {node}",
        )
    if name in view.barred:
        return "has the tag nofailover: it never leads", WITHOUT_TAG.format(tag="nofailover")
    if synchronous and name in view.unsynced:
        return (
            "has the tag nosync: with synchronous_mode only a synchronous replica takes over, and it never is one",
            WITHOUT_TAG.format(tag="nosync"),
        )
    if synchronous and member.role not in SYNCHRONOUS:
        others = listed(m.name for m in view.cluster.members if m.role in SYNCHRONOUS)
        return (
            "is not synchronous, and with synchronous_mode only a synchronous replica takes over",
            f"now that is {others}: labgen switchover {{lab}}" if others else "wait until one is synchronous",
        )
    if lag is None:
        return "does not say how far it is behind", "wait a moment, then repeat the command"
    if most is not None and lag > most:
        return (
            f"is {lag} bytes behind, more than maximum_lag_on_failover, which is {most}",
            "wait until it has caught up; if it does not: labgen reinit {lab} {node}",
        )
    return None
