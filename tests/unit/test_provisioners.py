"""The order in which Vagrant runs the steps of each node, one after the other there, side by side across nodes."""

from __future__ import annotations

import itertools

import pytest

from labgen.blueprint.loader import find_blueprint, load_blueprint
from labgen.lab.resolve import resolve
from labgen.plan import Plan, Step, StepId, build_plan
from labgen.render.provisioners import Provisioners, provisioners

BLUEPRINTS = ("consul-pgbouncer", "liman-etcd-haproxy", "etcd-haproxy-keepalived", "etcd-patroni-ops", "etcd-haproxy")


def everything(_: StepId) -> bool:
    return True


def not_install(step: StepId) -> bool:
    return step.stage != "install"


def ends(found: Provisioners, done: set[StepId]) -> set[StepId]:
    """What is never done if each node does its steps in order, each when those it waits for are done."""
    queues = {node: list(steps) for node, steps in found.items()}
    while True:
        ready = [node for node, steps in queues.items() if steps and set(steps[0][1]) <= done]
        if not ready:
            return {step for steps in queues.values() for step, _ in steps}
        done |= {queues[node].pop(0)[0] for node in ready}


@pytest.mark.parametrize(("blueprint", "runs"), [*itertools.product(BLUEPRINTS, (everything, not_install))])
def test_every_step_of_every_blueprint_comes_after_what_it_needs(blueprint: str, runs: object) -> None:
    lab = resolve(load_blueprint(find_blueprint(blueprint)), provider="docker")
    plan = build_plan(lab)
    wanted = everything if runs is everything else not_install
    found = provisioners([node.name for node in lab.nodes], plan, wanted)
    assert {step for steps in found.values() for step, _ in steps} == {s.id for s in plan.steps if wanted(s.id)}
    assert not ends(found, set())
    for node, steps in found.items():
        names = [step for step, _ in steps]
        for step in plan.steps:
            if step.id in names:
                here = {other for other in step.after if other.node == node and wanted(other)}
                assert here <= set(names[: names.index(step.id)]), step
        assert all(other.node != node for _, waits in steps for other in waits)


def test_who_waits_for_other_nodes_does_not_stand_before_who_does_not() -> None:
    """The agents find each other only when both have started: b's must not stand behind what needs a's."""
    agent_a, agent_b = StepId("a", "agent", "start"), StepId("b", "agent", "start")
    needs, proxy = StepId("a", "db", "start"), StepId("b", "proxy", "start")
    plan = Plan(
        (
            Step(agent_a, frozenset()),
            Step(needs, frozenset({agent_a})),
            Step(proxy, frozenset({needs})),
            Step(agent_b, frozenset()),
        )
    )
    found = provisioners(["a", "b", "idle"], plan, everything)
    assert found == {"a": [(agent_a, []), (needs, [])], "b": [(agent_b, []), (proxy, [needs])], "idle": []}


def test_what_others_wait_for_comes_before_what_nobody_does() -> None:
    """A start step may wait for what it looks at, which no manifest says: a floating IP for a leader."""
    look, begin, ready = StepId("a", "ip", "start"), StepId("a", "db", "start"), StepId("a", "db", "ready")
    plan = Plan((Step(look, frozenset()), Step(begin, frozenset()), Step(ready, frozenset({begin}))))
    assert [step for step, _ in provisioners(["a"], plan, everything)["a"]] == [begin, look, ready]
