"""With failsafe_mode a leader outlasts its DCS: what drills then expect, say and predict."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.cluster.state import ClusterState
from labgen.drill.run.begin import log_begin
from labgen.drill.run.choose import choose_drill
from labgen.drill.run.clients import load_paths
from labgen.drill.run.failsafe import WHY, is_configured, with_failsafe
from labgen.drill.run.plan import DrillPlan, plan_faults
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve

LOADED = load_blueprint(find_blueprint("etcd-patroni-ops"))
FAILSAFE = "config.patroni.bootstrap.dcs.failsafe_mode=true"


def lab(*words: str) -> Lab:
    return resolve(LOADED, provider="docker", overrides=words)


def plan(made: Lab, word: str, synchronous: tuple[str, ...] = (), **config: bool) -> DrillPlan:
    cluster = ClusterState(made, "node1", 1, ("node2", "node3"), synchronous)
    drill = with_failsafe(choose_drill(made, word), made, on=config.get("failsafe_mode", False))
    return DrillPlan(drill, cluster, config, plan_faults(drill, cluster), "node0", load_paths(made, "node0"))


def predicted(planned: DrillPlan) -> list[str | None]:
    begin = log_begin(planned.cluster.lab, planned, datetime(2026, 1, 2, tzinfo=UTC))
    return [path.predicted.why if path.predicted else None for path in begin.paths]


def test_the_warning_of_a_single_dcs_follows_it() -> None:
    (warning,) = lab().weaknesses
    assert "Patroni's leader turns read-only and nobody takes over" in warning.text
    (warning,) = lab(FAILSAFE).weaknesses
    assert "leader goes on as long as it reaches every member (failsafe_mode), and nobody takes over" in warning.text


def test_a_drill_that_shows_a_leader_turn_read_only_expects_it_to_go_on() -> None:
    made = lab(FAILSAFE)
    assert is_configured(made) and not is_configured(lab())  # noqa: PT018
    lost = next(drill for drill in made.blueprint.drills if drill.name == "etcd-lost")
    changed = with_failsafe(lost, made, on=True)
    assert changed.why == WHY
    assert (changed.expect.recovered_before_heal, changed.expect.failover) == (None, False)
    assert with_failsafe(lost, made, on=False) is lost
    # A drill of the user's own means what it says, and so does one in which more is broken.
    own = lost.model_copy(update={"name": "own"})
    assert with_failsafe(own, made, on=True) is own
    for drill in made.blueprint.drills:
        if drill.name != "etcd-lost":
            assert with_failsafe(drill, made, on=True) is drill


@pytest.mark.parametrize("word", ["dcs-stop", "cut-dcs"])
def test_what_the_timers_say_follows_it(word: str) -> None:
    made = lab(FAILSAFE)
    on = plan(made, word, failsafe_mode=True)
    assert predicted(on) == ["failsafe_mode: the leader goes on; a client's own deadline"]
    assert not on.fails_over
    assert predicted(plan(made, word)) != predicted(on)
    assert "failsafe_mode" not in str(predicted(plan(made, "power-loss", failsafe_mode=True)))


def test_where_nobody_may_take_over_the_timers_say_nothing() -> None:
    made = lab("patroni.synchronous_mode=true")
    assert predicted(plan(made, "power-loss", synchronous_mode=True)) == [None]
    assert predicted(plan(made, "power-loss", ("node2",), synchronous_mode=True)) != [None]
