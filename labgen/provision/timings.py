"""Which steps of a run held it up: the longest chain of steps, each of which began when the one before it was done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labgen.plan.model import Plan, StepId


@dataclass(frozen=True)
class Ran:
    """A step that ran to its end. began, ended: seconds on one clock, the same for all steps of a run."""

    step: StepId
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True)
class Link:
    """A step of the longest chain, and the one of those it waited for that was done last; None for the first."""

    ran: Ran
    after: Ran | None


def longest_chain(plan: Plan, ran: Iterable[Ran]) -> tuple[Link, ...]:
    """The steps that decided when the last of RAN was done, first to last; empty if none ran.

    It is followed from its end: the step that was done last, then of all steps that it waited for and that ran too the
    one that was done last, and so on. A step that was done in an earlier run held nobody up.
    """
    by_step = {one.step: one for one in ran}
    waits = {step.id: step.after for step in plan.steps}
    here = _last(by_step.values())
    links: list[Link] = []
    while here is not None:
        before = _last(by_step[step] for step in waits.get(here.step, frozenset()) if step in by_step)
        links.append(Link(here, before))
        here = before
    return tuple(reversed(links))


def _last(ran: Iterable[Ran]) -> Ran | None:
    """The one that was done last; of several, the same one whatever their order."""
    return max(ran, key=lambda one: (one.ended, one.step), default=None)
