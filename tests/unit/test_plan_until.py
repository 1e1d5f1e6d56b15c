"""`up --until`: which steps are done before something begins."""

from __future__ import annotations

import pytest

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.errors import UnknownNameError
from labgen.lab.resolve import resolve
from labgen.plan import Plan, build_plan, left_out, plan_until
from labgen.plan.until import until_words


def plan_of(blueprint: str) -> Plan:
    return build_plan(resolve(load_blueprint(find_blueprint(blueprint)), provider="docker"))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of("consul-pgbouncer")


def test_a_stage_is_done_on_every_node(plan: Plan) -> None:
    assert {step.id.stage for step in plan_until(plan, "install").steps} == {"install"}
    configured = plan_until(plan, "configure")
    assert {step.id.stage for step in configured.steps} == {"install", "configure"}
    assert len(configured.steps) == len(plan.of_stage("install", "configure"))


def test_all_but_a_component_and_what_waits_for_it(plan: Plan) -> None:
    part = plan_until(plan, "consul")
    assert len(part.of_stage("install", "configure")) == len(plan.of_stage("install", "configure"))
    assert {step.id.component for step in part.of_stage("start")} == {"consul-template", "pgbouncer"}
    told = left_out(plan, part)
    assert "patroni start on pg-patroni1, pg-patroni2, pg-patroni3" in told
    assert sum(len(line.split(" on ")[1].split(", ")) for line in told) == len(plan.steps) - len(part.steps)


@pytest.mark.parametrize("blueprint", ["consul-pgbouncer", "etcd-patroni-ops", "etcd-haproxy-keepalived"])
def test_whatever_a_step_waits_for_is_there_too(blueprint: str) -> None:
    plan = plan_of(blueprint)
    for word in until_words(plan):
        part = plan_until(plan, word)
        kept = {step.id for step in part.steps}
        assert all(step.after <= kept for step in part.steps), word
        assert 0 < len(kept) < len(plan.steps)


def test_what_comes_last_leaves_out_only_itself(plan: Plan) -> None:
    nodes = "pg-patroni1, pg-patroni2, pg-patroni3"
    told = left_out(plan, plan_until(plan, "patroni"))
    assert sorted(told) == [f"patroni ready on {nodes}", f"patroni start on {nodes}"]


@pytest.mark.parametrize("word", ["patron", "postgresql", "start", "", "consul-node1"])
def test_any_other_word_is_refused(plan: Plan, word: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        plan_until(plan, word)
    assert caught.value.known == sorted(until_words(plan))
