"""Lab → Plan: which step waits for which.

On a node: installs run one after the other (they share the package manager), a component's configure follows its own
install, or all of them if it has none, and no service starts before what may change its files is configured: what it
requires, what requires it, and what starts nothing itself, which is there for others. A component that has a stage
`ready` has started before that is reached, and is ready only then. Between nodes only what the manifests say counts.
A step of the user's stands where its hook says.
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from labgen.components.manifest import Need
from labgen.components.registry import STAGES, Hook
from labgen.errors import UsageError
from labgen.lab.model import Lab, Node, matches
from labgen.plan.model import Plan, Step, StepId


def build_plan(lab: Lab) -> Plan:
    """The steps of LAB in an order that may be run as it stands; raises UsageError for a circle."""
    after: dict[StepId, set[StepId]] = {}
    for node in lab.nodes:
        after |= _steps_of_node(lab, node)
    for step in after:
        if step.stage in ("start", "ready"):
            after[step] |= {need for need in _needs(lab, step) if need in after}
    own = {step for step in after if lab.components[step.component].own}
    before: dict[tuple[str, Hook], StepId] = {}
    for step in [step for step in after if step in own]:
        hook = lab.components[step.component].hook
        assert hook is not None  # noqa: S101 - that is what makes it one's own
        _hang(step, hook, after, own)
        # In one place they keep the order in which they were given.
        if earlier := before.get((step.node, hook)):
            after[step].add(earlier)
        before[step.node, hook] = step
    try:
        # Sorted, since the order in a set differs from one process to the next.
        ordered = tuple(TopologicalSorter({step: sorted(needs) for step, needs in after.items()}).static_order())
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        raise UsageError(
            "steps wait for each other in a circle",
            where=f"lab {lab.name}",
            detail=[f"{step} waits for {other}" for step, other in pairwise(circle)],
            cure=f"look at start.needs in the component.yml of {', '.join(sorted({s.component for s in circle}))}",
        ) from None
    return Plan(tuple(Step(step, frozenset(after[step])) for step in ordered))


def _steps_of_node(lab: Lab, node: Node) -> dict[StepId, set[StepId]]:
    ids = {
        stage: [
            StepId(node.name, name, stage)
            for name in _requirement_order(lab, node)
            if stage in lab.components[name].stages
        ]
        for stage in STAGES
    }
    after: dict[StepId, set[StepId]] = {}
    for previous, step in zip([None, *ids["install"]], ids["install"], strict=False):
        after[step] = {previous} if previous else set()
    for step in ids["configure"]:
        install = StepId(node.name, step.component, "install")
        after[step] = {install} & after.keys() or set(ids["install"])
    for step in ids["start"]:
        kin = _kin(lab, node, step.component)
        after[step] = {*ids["install"], *(other for other in ids["configure"] if other.component in kin)}
    for step in ids["ready"]:
        started = StepId(node.name, step.component, "start")
        after[step] = {started} if started in after else {*ids["install"], *ids["configure"]}
    return after


def _kin(lab: Lab, node: Node, component: str) -> set[str]:
    """Whose configuration COMPONENT may read: its own, its requirements' and users', and of all that starts nothing."""
    here = set(_requirement_order(lab, node))
    if lab.components[component].own:
        return here
    required = _required(lab, component)
    return {
        name
        for name in here
        if name in required or component in _required(lab, name) or "start" not in lab.components[name].stages
    }


def _required(lab: Lab, component: str) -> set[str]:
    """COMPONENT, and all that it requires, directly or not."""
    found = {component}
    for name in lab.components[component].manifest.requires:
        found |= _required(lab, name)
    return found


def _hang(step: StepId, hook: Hook, after: dict[StepId, set[StepId]], own: set[StepId]) -> None:
    """Put STEP before or after what HOOK names: of one component, or of the node's all. OWN: the user's steps."""
    here = [it for it in after if it.node == step.node and it.stage == hook.stage and it not in own]
    named = [it for it in here if hook.component in ("", it.component)]
    if hook.before:
        # Of one component, it is the last thing before that: what this waits for is there.
        for other in named:
            if hook.component:
                after[step] |= after[other] - own
            after[other].add(step)
    elif hook.stage != "start":
        after[step] |= set(named)
    elif hook.component:
        # Started means ready.
        ready = {StepId(it.node, it.component, "ready") for it in named} & after.keys()
        after[step] |= ready or set(named)
    else:
        after[step] |= {it for it in after if it.stage in ("start", "ready") and it not in own}


def _requirement_order(lab: Lab, node: Node) -> list[str]:
    """The node's components, each after those it requires, otherwise as the blueprint lists them."""
    ordered: list[str] = []

    def add(name: str) -> None:
        for required in lab.components[name].manifest.requires:
            if required not in ordered:
                add(required)
        if name not in ordered:
            ordered.append(name)

    for name in node.components:
        add(name)
    return ordered


def _starts(lab: Lab, node: Node, component: str) -> set[StepId]:
    """The start step of COMPONENT; for one that has none, those of what it requires."""
    if "start" in lab.components[component].stages:
        return {StepId(node.name, component, "start")}
    return {step for required in lab.components[component].manifest.requires for step in _starts(lab, node, required)}


def _done(lab: Lab, node: Node, component: str) -> StepId:
    """The step with which COMPONENT is ready on NODE."""
    return StepId(node.name, component, "ready" if "ready" in lab.components[component].stages else "start")


def _needs(lab: Lab, step: StepId) -> set[StepId]:
    """The steps that STEP, a start or what follows it, waits for beside its component's own."""
    node, component = lab.node(step.node), step.component
    manifest = lab.components[component].manifest
    if step.stage == "ready":
        return _needed(lab, node, component, manifest.ready.needs)
    needed = {step for required in manifest.requires for step in _starts(lab, node, required)}
    needed |= _needed(lab, node, component, manifest.start.needs)
    if manifest.start.first_alone:
        first = lab.nodes_with(component)[0]
        if node != first:
            needed.add(StepId(first.name, component, "start"))
    return needed


def _needed(lab: Lab, node: Node, component: str, needs: Iterable[Need]) -> set[StepId]:
    """The steps with which all that COMPONENT on NODE needs is ready."""
    needed: set[StepId] = set()
    for need in needs:
        if need.on == "node":
            if need.component in node.components and matches(node.settings[need.component], need.where):
                needed.add(_done(lab, node, need.component))
            continue
        waited_for = lab.nodes_with(need.component, **need.where)
        if need.component != component or node not in waited_for:
            needed |= {_done(lab, other, need.component) for other in waited_for}
    return needed
