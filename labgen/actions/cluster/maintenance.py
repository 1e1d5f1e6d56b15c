"""`maintenance`: Patroni watches and does nothing (patronictl calls it pause), until it is told to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labgen.actions.session.cluster import patroni_of
from labgen.errors import OperationError
from labgen.operations import Patroni, until

TIMEOUT = 120.0
"""Seconds for the members to hear of it: each looks once in loop_wait."""


@dataclass(frozen=True)
class Maintenance:
    """on: what the cluster's configuration says. members: what each member goes by, None if it does not answer."""

    on: bool
    members: Mapping[str, bool | None]

    @property
    def known(self) -> bool:
        """Whether every member that answers goes by it."""
        return all(member in (self.on, None) for member in self.members.values())


def maintenance(name: str, on: bool | None = None, progress: Callable[[str], None] = lambda _: None) -> Maintenance:
    """Switch the maintenance mode of the lab NAME on or off, if need be, and wait until all members know; None asks.

    Raises UnknownNameError or OperationError.
    """
    with patroni_of(name, alone=on is not None) as patroni:
        return maintain(patroni, on, progress)


def maintain(patroni: Patroni, on: bool | None, progress: Callable[[str], None]) -> Maintenance:
    """The same for a cluster that is at hand."""
    found = _look(patroni)
    if on is None:
        return found
    if found.on != on:
        progress("the cluster's configuration is changed")
        patroni.patch(_through(patroni, found), {"pause": on or None})

    def heard() -> Maintenance | None:
        now = _look(patroni)
        waiting = [member for member, state in now.members.items() if state not in (on, None)]
        progress(f"{', '.join(waiting)} must hear of it" if waiting else "all know")
        return now if now.on == on and now.known else None

    word = "on" if on else "off"
    return until(f"agreement of all members that maintenance mode is {word}", TIMEOUT, heard, lab=patroni.lab.name)


def _look(patroni: Patroni) -> Maintenance:
    """What the configuration says, and each member; raises OperationError if none answers."""
    told = patroni.statuses()
    if not told:
        patroni.view()  # says what is wrong
        raise OperationError("no Patroni answers", where=patroni.lab.name)
    members = {node: bool(told[node].get("pause")) if node in told else None for node in patroni.nodes}
    return Maintenance(bool(patroni.config(next(iter(told))).get("pause")), members)


def _through(patroni: Patroni, found: Maintenance) -> str:
    """The member to tell: the leader, which acts at once, else one that answers."""
    leader = patroni.view().leader
    answering = [node for node, state in found.members.items() if state is not None]
    return leader.name if leader is not None and leader.name in answering else answering[0]
