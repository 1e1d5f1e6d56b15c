"""What labgen says about reproductions: faults in them, how one ended, and tables of a matrix."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from labgen.actions.repro.run import ReproRequest, beginning_lost, reproductions_in, validate_reproduction
from labgen.checks import Evidence
from labgen.cli.commands.repro import what_stays
from labgen.errors import LabgenError
from labgen.repro.judge import ConditionResult, ReproVerdict, Ternary, verdict_on
from labgen.repro.matrix import IMPOSSIBLE, Bisection, CellResult, make_cells, matrix_data, parse_axes
from labgen.repro.model import Reproduction
from labgen.repro.model_conditions import Condition
from labgen.repro.play import Attempt, Done, State
from labgen.repro.result import ReproOutcome, result_data
from labgen.repro.tables import bisection_lines, flip_lines, matrix_table, reproductions_table, result_lines
from labgen.repro.words import action_title, condition_title
from tests.fakes.repro import pair

Golden = Callable[[Path, str], None]
Readable = Callable[[str], None]

HERE = Path(__file__).parent / "repro"
FAULTY = sorted(path.stem for path in HERE.glob("*.yml"))
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def shown(*parts: str | Table) -> str:
    """PARTS as they stand in a terminal, without colours."""
    console = Console(file=io.StringIO(), width=160, highlight=False, soft_wrap=True)
    for part in parts:
        console.print(part, soft_wrap=not isinstance(part, Table))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip()}\n" for line in str(text).splitlines())


@pytest.mark.parametrize("case", FAULTY)
def test_faulty_reproduction(case: str, golden: Golden, readable: Readable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    with pytest.raises(LabgenError) as caught:
        validate_reproduction(f"{case}.yml", ReproRequest(provider="docker"))
    text = "".join(f"{line}\n" for line in caught.value.lines())
    golden(HERE / f"{case}.txt", text)
    readable(text)


def test_words_that_mean_no_reproduction(golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = ""
    for word in ("patroni-2446", "mine.yml", "some/where"):
        with pytest.raises(LabgenError) as caught:
            validate_reproduction(word)
        text += "".join(f"{line}\n" for line in caught.value.lines()) + "\n"
    golden(HERE / "unknown.txt", text)


def test_a_beginning_that_is_lost(golden: Golden, readable: Readable) -> None:
    errors = (beginning_lost("patroni-2445", ["patroni.ttl is 40, was 30"]), beginning_lost("patroni-2445", []))
    text = "".join("".join(f"{line}\n" for line in error.lines()) + "\n" for error in errors)
    golden(HERE / "lost.txt", text)
    readable(text)


def test_those_that_ship(golden: Golden) -> None:
    """A line each, and every action and condition of each in words."""
    found = [it for _, it in reproductions_in(None) if it]
    assert len(found) == 4
    text = shown(reproductions_table([it.name, it.report, it.fixed, it.lab, it.title] for it in found))
    for it in found:
        text += f"\n{it.name}\n" + "".join(f"  {action_title(action)}\n" for action in it.actions)
        text += "".join(f"  seen: {condition_title(condition)}\n" for condition in it.seen)
        text += "".join(f"  otherwise: {condition_title(condition)}\n" for condition in it.otherwise)
    golden(HERE / "shipped.txt", text)


ALL = """
{"output": {"on": "node1", "command": "a  b", "exit": 3, "matches": "x", "lacks": "y", "json": {"a.0": [1]}}}
{"log": {"on": "leader", "file": "/var/log/x", "matches": "x", "at_least": 2}}
{"log": {"on": "leader", "unit": "etcd", "lacks": "x"}}
{"log": {"on": "leader", "unit": "etcd", "matches": "x", "at_least": 2, "at_most": 2}}
{"http": {"on": "node1", "path": "/x", "port": 7000, "status": 200, "json": {"a": null}}}
{"process": {"on": "replicas", "matches": "x", "state": "zombie", "at_most": 2}}
{"process": {"on": "replicas", "matches": "x", "running": false}}
{"rows": {"on": "node1", "statement": "select 1", "through": "proxy", "equals": ["a", 1], "at_least": 1}}
{"rows": {"on": "node1", "statement": "select 1", "equals": ""}}
{"rows": {"on": "node1", "statement": "select 1", "equals": []}}
{"timeline": {"equals": 2, "grown": true}}
{"timeline": {"on": "node2", "grown": false}}
{"any": [{"timeline": {"equals": 2}}, {"all": [{"timeline": {"equals": 3}}, {"not": {"timeline": {"equals": 4}}}]}]}
"""


def test_every_condition_in_words(golden: Golden) -> None:
    lines = [condition_title(Condition.model_validate_json(line)) for line in ALL.strip().splitlines()]
    golden(HERE / "conditions.txt", "".join(f"{line}\n" for line in lines))


# --- how one ended ----------------------------------------------------------------------------------------------------


def reproduction(**more: Any) -> Reproduction:
    keys = {"name": "patroni-2445", "title": "A slow callback is killed", "lab": "labs/pair.yml"}
    keys |= {"report": "patroni/patroni#2445", "fixed": "Patroni 3.0.2"}
    actions: list[dict[str, Any]] = [{"switchover": {}}, {"run": {"on": "replica", "command": "touch [it]"}}]
    seen = [{"log": {"on": "replica", "unit": "patroni", "matches": "Killed"}}]
    return Reproduction.model_validate_json(json.dumps({**keys, "actions": actions, "seen": seen, **more}))


KILLED = Evidence(
    "node2",
    "journalctl --unit=patroni",
    0,
    "".join(f"{number}: Killed ['/usr/local/bin/cb'] because it was still running\n" for number in range(6)),
    "",
    0.1,
)
ABSENT = Evidence("node2", "grep on_role_change \\\n  /tmp/done", 1, "", "", 0.1)
GONE = Evidence("node2", "touch [it]", None, "", "the connection was lost", 1.0)
ACTIONS = (
    Done("switchover", "switchover to replica", State.DONE, "", 0.1, 2.5),
    Done("run", "replica: `touch [it]`", State.DONE, "", 2.7, 0.3, (ABSENT,)),
)


def one_try(seen: Ternary, *otherwise: Ternary, actions: tuple[Done, ...] = ACTIONS) -> Attempt:
    judged = (ConditionResult("replica: log of patroni matches /Killed/", seen, "node2: 0: Killed", (KILLED, ABSENT)),)
    other = tuple(ConditionResult("replica: `grep done` succeeds", it, "node2: exit 1", (ABSENT,)) for it in otherwise)
    trouble = next((f"{it.title}: {it.why}" for it in actions if it.state is State.FAILED), None)
    return Attempt(*verdict_on(trouble, judged, other), STARTED, 7.3, actions, judged, other)


def outcome(*tries: Attempt, sick: tuple[str, ...] = ()) -> dict[str, Any]:
    return result_data(ReproOutcome(reproduction(), pair("versions.patroni=3.0.1"), tries, sick=sick))


def test_how_it_ended(golden: Golden, readable: Readable) -> None:
    failed = (
        ACTIONS[0],
        Done("run", "replica: `touch [it]`", State.FAILED, "node2: the connection was lost", 2.7, 1.0, (GONE,)),
        Done("heal", "heal", State.LEFT_OUT),
    )
    cases = {
        "reproduced": outcome(one_try(Ternary.YES, Ternary.NO)),
        "not reproduced": outcome(one_try(Ternary.NO, Ternary.YES)),
        "neither": outcome(one_try(Ternary.NO, Ternary.NO)),
        "an action failed": outcome(one_try(Ternary.YES, actions=failed)),
        "a sick lab": outcome(sick=("patroni-cluster: no leader", "etcd-members: 0 members")),
        "three tries": outcome(one_try(Ternary.NO), one_try(Ternary.UNKNOWN), one_try(Ternary.YES)),
    }
    text = "".join(f"# {case}\n{shown(*result_lines(data))}\n" for case, data in cases.items())
    text += f"# all of it\n{shown(*result_lines(cases['reproduced'], whole=True))}\n"
    text += f"# what stays\n{shown(*what_stays('patroni-2445', Path('/state/labs/x/repro/y.json')))}"
    golden(HERE / "ended.txt", text)
    readable(text)


def test_a_result_as_json(golden: Golden) -> None:
    data = outcome(one_try(Ternary.YES, Ternary.NO))
    golden(HERE / "result.json", json.dumps(data, indent=2, ensure_ascii=False) + "\n")


# --- matrices ---------------------------------------------------------------------------------------------------------


def test_matrices(golden: Golden, readable: Readable) -> None:
    axes = parse_axes(["versions.patroni=2.1.2,3.0.1,3.0.2", "os=debian-12"])
    cells = make_cells("patroni-2445", axes)
    bad, good = outcome(one_try(Ternary.YES, Ternary.NO)), outcome(one_try(Ternary.NO, Ternary.YES))
    results = [
        CellResult(cells[0], IMPOSSIBLE, 0.0, ("PostgreSQL 15 needs Patroni 2.1.5 or later",)),
        CellResult(cells[1], ReproVerdict.REPRODUCED, 31.4, (), bad),
        CellResult(cells[2], ReproVerdict.NOT_REPRODUCED, 28.9, tuple(good["reasons"]), good),
    ]
    data = matrix_data("patroni-2445", axes, results)
    text = f"# a flip\n{shown(matrix_table(data), *flip_lines(data))}\n"
    data = matrix_data(
        "patroni-2445", axes, [results[2], CellResult(cells[1], ReproVerdict.UNKNOWN, 9.0, ("it broke",))]
    )
    text += f"# no flip\n{shown(matrix_table(data), *flip_lines(data))}\n"
    axes = parse_axes(["versions.patroni=3.0.0,3.0.1,3.0.2,3.0.3"])
    cells = make_cells("patroni-2445", axes)
    ends = [CellResult(cells[at], status, 30.0) for at, status in ((0, "reproduced"), (3, "not-reproduced"))]
    found = Bisection(tuple(ends), ends[0], ends[1], ("3.0.1", "3.0.2"))
    data = matrix_data("patroni-2445", axes, ends, found)
    text += f"# a bisection\n{shown(matrix_table(data), *bisection_lines(data))}\n"
    data = matrix_data("patroni-2445", axes, ends[:1], Bisection(tuple(ends[:1])))
    text += f"# a bisection that finds nothing\n{shown(*bisection_lines(data))}"
    golden(HERE / "matrices.txt", text)
    readable(text)
    assert not re.search(r"\[/?(bold|dim|red|green)", text)
