"""Plan → what Vagrant runs on each node: it takes a machine's provisioners one after the other."""

from __future__ import annotations

from collections.abc import Callable

from labgen.plan.model import Plan, StepId

Provisioners = dict[str, list[tuple[StepId, list[StepId]]]]
"""Node → its steps in order, each with those on other nodes that it waits for."""


def provisioners(nodes: list[str], plan: Plan, runs: Callable[[StepId], bool]) -> Provisioners:
    """The steps of PLAN that RUNS accepts.

    On a node, a step comes after those that wait for fewer turns between nodes. A service that is ready only with its
    like on other nodes (the servers of a cluster) so never stands behind a step that waits for what needs that service.
    """
    turns: dict[StepId, int] = {}
    found: Provisioners = {node: [] for node in nodes}
    for step, waits in plan.direct_waits():
        turns[step.id] = max((turns[other] + (other.node != step.id.node) for other in waits), default=0)
        if runs(step.id):
            elsewhere = sorted(other for other in waits if other.node != step.id.node and runs(other))
            found[step.id.node].append((step.id, elsewhere))
    for steps in found.values():
        steps.sort(key=lambda entry: turns[entry[0]])
    return found
