"""Plan → what Vagrant runs on each node: it takes a machine's provisioners one after the other."""

from __future__ import annotations

from collections.abc import Callable

from labgen.plan.model import Plan, StepId

Provisioners = dict[str, list[tuple[StepId, list[StepId]]]]
"""Node → its steps in order, each with those on other nodes that it waits for."""


def provisioners(nodes: list[str], plan: Plan, runs: Callable[[StepId], bool]) -> Provisioners:
    """The steps of PLAN that RUNS accepts.

    On a node, what waits for fewer turns between nodes comes first: a service that is of use only with its like on
    other nodes (the servers of a cluster) so never stands behind a step that waits for what needs it. Then that which
    more steps, one behind the other, wait for: what only looks on comes after what it looks at.
    """
    waits = plan.direct_waits()
    turns: dict[StepId, int] = {}
    for step, after in waits:
        turns[step.id] = max((turns[other] + (other.node != step.id.node) for other in after), default=0)
    behind = dict.fromkeys(turns, 0)
    for step, after in reversed(waits):
        for other in after:
            behind[other] = max(behind[other], behind[step.id] + 1)
    found: Provisioners = {node: [] for node in nodes}
    for step, after in sorted(waits, key=lambda entry: (turns[entry[0].id], -behind[entry[0].id])):
        if runs(step.id):
            elsewhere = sorted(other for other in after if other.node != step.id.node and runs(other))
            found[step.id.node].append((step.id, elsewhere))
    return found
