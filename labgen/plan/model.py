"""A plan: the steps of a lab and what each waits for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class StepId:
    """What names a step: one stage of one component on one node."""

    node: str
    component: str
    stage: str

    def __str__(self) -> str:
        return f"{self.node}/{self.component}/{self.stage}"


@dataclass(frozen=True)
class Step:
    """One script on one node. `after` lists the steps that must be done first."""

    id: StepId
    after: frozenset[StepId]


@dataclass(frozen=True)
class Plan:
    """All steps, in an order in which they may run one after the other."""

    steps: tuple[Step, ...]

    def of_stage(self, *stages: str) -> tuple[Step, ...]:
        """The steps of these stages, in plan order."""
        return tuple(step for step in self.steps if step.id.stage in stages)

    def direct_waits(self) -> list[tuple[Step, frozenset[StepId]]]:
        """Each step with those that it waits for itself: not those that one of them has waited for already."""
        before: dict[StepId, frozenset[StepId]] = {}
        waits = []
        for step in self.steps:
            earlier = frozenset[StepId]().union(*(before[other] for other in step.after))
            before[step.id] = earlier | step.after
            waits.append((step, step.after - earlier))
        return waits
