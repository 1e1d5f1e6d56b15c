"""A drill's parts: how long it may last, what its log says first, and when clients count as served again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from labgen.blueprint.drills import Drill
from labgen.blueprint.loader import find_blueprint, load_blueprint
from labgen.cluster.state import ClusterState
from labgen.drill.judge.begin import LogBegin
from labgen.drill.judge.log import parse_log
from labgen.drill.run import load as load_module
from labgen.drill.run import service
from labgen.drill.run.begin import log_begin
from labgen.drill.run.choose import choose_drill
from labgen.drill.run.clients import load_paths
from labgen.drill.run.load import LoadWatch
from labgen.drill.run.plan import GRACE, DrillPlan, plan_faults
from labgen.drill.run.service import wait_for_service
from labgen.drill.run.streams import Seen
from labgen.errors import OperationError
from labgen.lab.resolve import resolve

LAB = resolve(load_blueprint(find_blueprint("etcd-haproxy")), provider="docker")
CLUSTER = ClusterState(LAB, "postgres01", 1, ("postgres02", "postgres03"))


def plan_of(*changes: str, drill: str = "freeze") -> DrillPlan:
    chosen = choose_drill(LAB, drill, changes)
    config = {"ttl": 30, "loop_wait": 10, "retry_timeout": 10}
    return DrillPlan(chosen, CLUSTER, config, plan_faults(chosen, CLUSTER), "haproxy", load_paths(LAB, "haproxy"))


class FakeLoad:
    """A load that answers at the looks at which it is told to."""

    def __init__(self, seen: Seen, script: Sequence[dict[str, float]], leader: str | None = None) -> None:
        self._seen, self._script, self._leader = seen, list(script), leader
        self.looks = 0

    def check(self) -> None:
        self.looks += 1
        if self._script:
            self._seen.ok.update(self._script.pop(0))
        else:
            self._seen.key = self._leader


def watch_of(plan: DrillPlan, script: Sequence[dict[str, float]], leader: str | None = None) -> LoadWatch:
    seen = Seen()
    load = FakeLoad(seen, script, leader)
    return LoadWatch(LAB, load, plan.paths, seen, lambda _: None)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_LEAST", 0.01)
    monkeypatch.setattr(service, "STAYS", 0.01)
    monkeypatch.setattr(service, "POLL", 0.005)
    monkeypatch.setattr(load_module, "POLL", 0.005)
    monkeypatch.setattr(load_module, "WARM_WITHIN", 0.05)


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        (("expect={}",), 60 + GRACE),
        (("expect={outage: 90}", "hold=7"), 90 + 7 + GRACE),
        (("expect={failover: false, paths: {libpq: 12}}",), 12 + GRACE),
        (("expect={failover: false, outage: timers}",), 60 + GRACE),
    ],
)
def test_how_long_nothing_may_come_back(changes: tuple[str, ...], seconds: float) -> None:
    assert plan_of(*changes).limit == seconds


def test_what_is_to_come_back() -> None:
    assert plan_of("expect={}").to_recover == tuple(path.name for path in plan_of().paths)
    assert plan_of("expect={held: [libpq]}").to_recover == ("libpq",)
    assert plan_of("expect={held: []}").to_recover == ()


def test_the_first_line_of_a_log_can_be_read_again() -> None:
    plan = plan_of("expect={held: [libpq], outage: timers}")
    begin = log_begin(LAB, plan, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    line = json.dumps({"event": "begin", "n": 1, **begin.model_dump(mode="json", by_alias=True)}) + "\n"
    entry = json.loads(line)
    assert entry["drill"]["expect"]["held"] == ["libpq"]
    assert [path["name"] for path in entry["paths"]] == [path.name for path in plan.paths]
    assert entry["paths"][0]["predicted"].keys() == {"low", "high", "why"}
    assert entry["started"] == "2026-01-02T03:04:05+00:00"
    assert entry["connect_timeout"] == 2
    assert parse_log([line], "x.jsonl").begin == begin


def test_a_log_that_says_little_is_read() -> None:
    drill = {"name": "x", "title": "X", "faults": [{"fault": "freeze"}]}
    begin = parse_log([json.dumps({"event": "begin", "format": 1, "drill": drill}) + "\n"], "x.jsonl").begin
    assert begin == LogBegin(format=1, drill=Drill.model_validate_json(json.dumps(drill)))


def test_service_is_back_when_every_path_is_and_another_leads() -> None:
    plan = plan_of("expect={failover: true}")
    names = [path.name for path in plan.paths]
    early, late = dict.fromkeys(names, 0.005), dict.fromkeys(names, 5.0)
    watch = watch_of(plan, [early, {names[0]: 5.0}, late], leader="postgres02")
    wait_for_service(plan, watch, lambda _: None)
    assert watch.load.looks >= 4  # type: ignore[attr-defined]
    assert watch.seen.key == "postgres02"


def test_service_that_does_not_come_back_is_healed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.drill.run.plan.GRACE", 0.05)
    plan = plan_of("expect={failover: false}")
    told: list[str] = []
    wait_for_service(plan, watch_of(plan, []), told.append)
    assert "the DCS names nobody known; waiting for libpq" in told[0]


def test_a_load_that_is_over_ends_the_wait() -> None:
    plan = plan_of()
    watch = watch_of(plan, [])
    watch.seen.ended = "it ended by itself"
    with pytest.raises(OperationError, match="before its time"):
        wait_for_service(plan, watch, lambda _: None)
    with pytest.raises(OperationError, match="before its time"):
        watch.warm_up()


def test_a_path_that_is_silent_without_any_fault_is_named() -> None:
    plan = plan_of()
    first, *others = (path.name for path in plan.paths)
    with pytest.raises(OperationError) as caught:
        watch_of(plan, [{first: 1.0}]).warm_up()
    assert caught.value.what.endswith("nothing is acknowledged: " + ", ".join(others))


def test_no_fault_comes_before_everybody_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "WARM_UP", 0.01)
    plan = plan_of()
    watch = watch_of(plan, [{path.name: 1.0 for path in plan.paths}])
    everybody = {node.name: {"sql": 1.0, "rest": 1.0, "dcs": 1.0} for node in LAB.member_nodes}
    watch.seen.watched.update(everybody)
    watch.seen.watched["postgres02"] = {"sql": 1.0, "rest": 1.0}
    with pytest.raises(OperationError) as caught:
        watch.warm_up()
    assert caught.value.what == "nobody tells who leads on: postgres02"
    watch.seen.watched.update(everybody)
    watch.warm_up()


def test_the_load_goes_on_until_a_machine_that_came_back_is_watched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "COOL_DOWN", 0.01)
    plan = plan_of()
    for back, waits in ((("postgres01", "postgres02"), True), (("postgres01", "postgres02", "postgres03"), False)):
        watch = watch_of(plan, [{path.name: number for path in plan.paths} for number in (1.0, 2.0)])
        watch.seen.watched.update({node.name: {"sql": 1.0, "rest": 1.0, "dcs": 1.0} for node in LAB.member_nodes})
        monkeypatch.setattr(load_module, "COOL_WITHIN", 0.2)
        later = threading.Timer(
            0.05, lambda w=watch, b=back: w.seen.watched.update({n: {"sql": 2.0, "rest": 2.0, "dcs": 2.0} for n in b})
        )
        later.start()
        began = time.monotonic()
        watch.cool_down()
        later.join()
        assert (time.monotonic() - began >= 0.2) is waits


def test_only_a_machine_that_is_struck_as_a_whole_cannot_be_watched() -> None:
    def unwatched(drill: str, *changes: str) -> list[tuple[str, ...]]:
        return [planned.unwatched for planned in plan_of(*changes, drill=drill).faults]

    assert unwatched("freeze") == [("postgres01",)]
    assert unwatched("power-loss", "target=replicas") == [("postgres02", "postgres03")]
    for fault in "partition", "patroni-kill", "patroni-freeze", "postmaster-kill":
        assert unwatched(fault) == [()]
