"""Part of a plan: all that can be done before something begins."""

from __future__ import annotations

from collections.abc import Iterable

from labgen.errors import UnknownNameError
from labgen.plan.model import Plan, Step, StepId

STAGES = {"install": ("install",), "configure": ("install", "configure")}
"""A word for `up --until` → the stages that are done then. Any other word is a component."""


def until_words(plan: Plan) -> list[str]:
    """What `up --until` may be followed by: a stage, or a component that is started."""
    return [*STAGES, *sorted({step.id.component for step in plan.of_stage("start")} - STAGES.keys())]


def plan_until(plan: Plan, word: str) -> Plan:
    """The steps of PLAN up to WORD: a stage, which is done then, or a component, which is then still to be started.

    What waits for that component is left out with it. Raises UnknownNameError for another word.
    """
    if word in STAGES:
        return Plan(plan.of_stage(*STAGES[word]))
    if word not in until_words(plan):
        raise UnknownNameError("stage or started component", word, until_words(plan), where="--until")
    kept: list[Step] = []
    left: set[StepId] = set()
    for step in plan.steps:
        if (step.id.component == word and step.id.stage == "start") or step.after & left:
            left.add(step.id)
        else:
            kept.append(step)
    return Plan(tuple(kept))


def left_out(plan: Plan, part: Plan) -> list[str]:
    """What PART leaves out of PLAN, a line for each component and stage: `patroni start on node1, node2`."""
    kept = {step.id for step in part.steps}
    return by_component(step.id for step in plan.steps if step.id not in kept)


def by_component(steps: Iterable[StepId]) -> list[str]:
    """STEPS in their order, a line for each component and stage."""
    nodes: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        nodes.setdefault((step.component, step.stage), []).append(step.node)
    return [f"{component} {stage} on {', '.join(sorted(names))}" for (component, stage), names in nodes.items()]
