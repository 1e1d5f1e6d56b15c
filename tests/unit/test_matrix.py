"""Cells, where the verdict flips, bisection with an oracle, JUnit, and labgens of their own that are run for cells."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from labgen.actions.repro import matrix as actions
from labgen.actions.repro.cells import CellEvents, CellRunner
from labgen.actions.repro.matrix import run_bisection, run_matrix, versions_between
from labgen.actions.repro.run import ReproRequest
from labgen.artefacts import wheels
from labgen.artefacts.sources import SourceFailed
from labgen.errors import ArtefactError, DocumentError, UnknownNameError, UsageError
from labgen.repro.document import read_written, reproduction_files
from labgen.repro.judge import ReproVerdict
from labgen.repro.junit import matrix_junit
from labgen.repro.matrix import (
    IMPOSSIBLE,
    Axis,
    Cell,
    CellResult,
    bisect,
    flips,
    make_cells,
    matrix_data,
    parse_axes,
)
from tests.live import until

R, N, U = ReproVerdict.REPRODUCED, ReproVerdict.NOT_REPRODUCED, ReproVerdict.UNKNOWN
WRITTEN = read_written(reproduction_files()["patroni-2445"])


def result(status: str, **values: str) -> CellResult:
    (cell,) = make_cells("bug", [Axis(path, (value,)) for path, value in values.items()])
    return CellResult(cell, status, 1.5)


# --- axes and cells ---------------------------------------------------------------------------------------------------


def test_axes() -> None:
    axes = parse_axes(["versions.patroni=3.0.1,3.0.2", "os=debian-12", "patroni.parameters=[a, b],{c: 'd,e'}"])
    assert axes == (
        Axis("versions.patroni", ("3.0.1", "3.0.2")),
        Axis("os", ("debian-12",)),
        Axis("patroni.parameters", ("[a, b]", "{c: 'd,e'}")),
    )


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["versions.patroni"], "'versions.patroni' is not path=value,value"),
        (["=3"], "'=3' is not path=value,value"),
        (["os=debian-12,"], "'os=debian-12,' is not path=value,value"),
        (["os=debian-12,debian-12"], "a value stands there twice"),
        (["os=debian-12", "os=debian-13"], "os is varied twice"),
    ],
)
def test_axes_that_are_none(words: list[str], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_axes(words)
    assert caught.value.what == what


def test_each_combination_is_a_lab_of_its_own() -> None:
    axes = parse_axes(["a=1,2", "b=x,y"])
    cells = make_cells("patroni-2445", axes)
    assert [cell.words for cell in cells] == [("a=1", "b=x"), ("a=1", "b=y"), ("a=2", "b=x"), ("a=2", "b=y")]
    assert len({cell.lab for cell in cells}) == 4
    # The same lab the next time, and another one for other options.
    assert make_cells("patroni-2445", axes) == cells
    assert {cell.lab for cell in make_cells("patroni-2445", axes, ("patroni.ttl=40",))} & {
        c.lab for c in cells
    } == set()
    (long,) = make_cells("a-name-that-is-as-long-as-it-may-be-forty", parse_axes(["a=1"]))
    assert long.lab.startswith("a-name-that-is-as-long-as-it-m-")
    assert len(long.lab) <= 40


# --- flips ------------------------------------------------------------------------------------------------------------


def test_where_it_flips() -> None:
    axes = parse_axes(["v=1,2,3", "os=a,b"])
    results = [
        result(R, v="1", os="a"),
        result(R, v="1", os="b"),
        result(U, v="2", os="a"),
        result(N, v="2", os="b"),
        result(N, v="3", os="a"),
        result(N, v="3", os="b"),
    ]
    assert [str(flip) for flip in flips(axes, results)] == [
        "reproduced with v=1, not-reproduced with v=3 (os=a)",
        "reproduced with v=1, not-reproduced with v=2 (os=b)",
    ]
    data = matrix_data("bug", axes, results)
    assert data["flips"][1] == {
        "path": "v",
        "before": "1",
        "after": "2",
        "verdicts": ["reproduced", "not-reproduced"],
        "beside": {"os": "b"},
    }
    assert json.loads(json.dumps(data)) == data


def test_a_version_that_cannot_be_is_passed_over() -> None:
    axes = parse_axes(["v=1,2"])
    assert flips(axes, [result(IMPOSSIBLE, v="1"), result(N, v="2")]) == []


# --- bisection --------------------------------------------------------------------------------------------------------

VERSIONS = tuple(f"3.0.{number}" for number in range(12))


class Oracle:
    """Knows in which version a bug was mended, and which versions cannot be judged."""

    def __init__(self, mended: int, *unknown: int) -> None:
        self.mended, self.unknown = mended, unknown
        self.asked: list[str] = []

    def __call__(self, version: str) -> CellResult:
        self.asked.append(version)
        at = VERSIONS.index(version)
        return result(U if at in self.unknown else N if at >= self.mended else R, v=version)


@pytest.mark.parametrize("mended", range(1, 12))
def test_the_first_version_that_differs(mended: int) -> None:
    oracle = Oracle(mended)
    found = bisect(VERSIONS, oracle)
    assert found.first is not None
    assert found.last is not None
    assert found.first.cell.values["v"] == VERSIONS[mended]
    assert found.last.cell.values["v"] == VERSIONS[mended - 1]
    assert found.between == ()
    assert len(oracle.asked) == len(set(oracle.asked)) <= 6
    # In the order of versions, for the table.
    assert [it.cell.values["v"] for it in found.results] == sorted(oracle.asked, key=VERSIONS.index)


def test_versions_without_a_verdict_are_passed_by() -> None:
    found = bisect(VERSIONS, Oracle(5, 3, 4, 6))
    assert found.first is not None
    assert found.last is not None
    assert (found.last.cell.values["v"], found.first.cell.values["v"]) == ("3.0.2", "3.0.5")
    assert found.between == ("3.0.3", "3.0.4")


@pytest.mark.parametrize(("oracle", "asked"), [(Oracle(12), 2), (Oracle(5, 0), 1), (Oracle(5, 11), 2)])
def test_ends_between_which_there_is_nothing_to_find(oracle: Oracle, asked: int) -> None:
    found = bisect(VERSIONS, oracle)
    assert (found.first, found.last, len(oracle.asked)) == (None, None, asked)


def test_two_ends_beside_each_other() -> None:
    oracle = Oracle(1)
    found = bisect(VERSIONS[:2], oracle)
    assert found.first is not None
    assert found.first.cell.values["v"] == "3.0.1"
    assert len(oracle.asked) == 2


def test_the_versions_between_two_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "offered_versions", lambda _: ("4.0.1", "4.0.0", "3.3.1", "3.0.10", "3.0.9", "1.6.5"))
    between = versions_between(WRITTEN, Axis("versions.patroni", ("4.0.1", "3.0.9")), ReproRequest())
    assert between == ("3.0.9", "3.0.10", "3.3.1", "4.0.1")  # 4.0.0 was withdrawn


@pytest.mark.parametrize(
    ("axis", "error", "what"),
    [
        (Axis("os", ("debian-12", "debian-13")), UsageError, "--bisect needs the two ends"),
        (Axis("versions.patroni", ("3.0.1",)), UsageError, "--bisect needs the two ends"),
        (Axis("versions.consul", ("1", "2")), UnknownNameError, "no component in this lab is called 'consul'"),
        (Axis("versions.postgresql", ("1", "2")), UsageError, "there is no choice of versions of postgresql"),
    ],
)
def test_axes_without_versions_between(axis: Axis, error: type[UsageError], what: str) -> None:
    with pytest.raises(error) as caught:
        versions_between(WRITTEN, axis, ReproRequest())
    assert caught.value.what.startswith(what)


def test_an_index_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_source: object) -> tuple[str, ...]:
        raise SourceFailed("no index answers")

    monkeypatch.setattr(actions, "offered_versions", fails)
    with pytest.raises(ArtefactError) as caught:
        versions_between(WRITTEN, Axis("versions.patroni", ("3.0.1", "3.0.2")), ReproRequest())
    assert caught.value.what == "the versions of patroni cannot be had: no index answers"


def test_what_pip_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "patroni (4.1.5)\nAvailable versions: 4.1.5, 4.1.4, 3.0.1\n  INSTALLED: none\n"
    monkeypatch.setattr(wheels, "_pip", lambda *_: said)
    assert wheels.offered_wheels("patroni") == ("4.1.5", "4.1.4", "3.0.1")
    monkeypatch.setattr(wheels, "_pip", lambda *_: "hello\n")
    with pytest.raises(wheels.PipFailed, match="pip tells no versions of patroni"):
        wheels.offered_wheels("patroni")


# --- JUnit ------------------------------------------------------------------------------------------------------------


def test_junit() -> None:
    evidence = [{"node": "n", "command": "c", "rc": 1, "stdout": "\x1b[31mred", "stderr": "", "seconds": 0.5}]
    judged = [{"condition": "it is", "holds": "yes", "why": "so", "evidence": evidence}]
    one = {"verdict": "reproduced", "actions": [], "seen": judged, "otherwise": []}
    (cell,) = make_cells("bug", [Axis("v", ("1",)), Axis("os", ("a",))])
    results = [
        CellResult(cell, R, 3.0, (), {"tries": [one]}),
        result(N, v="2"),
        CellResult(result(U, v="3").cell, U, 2.0, ("no answer",)),
        CellResult(result(U, v="4").cell, IMPOSSIBLE, 0.0, ("a rule",)),
    ]
    text = matrix_junit("bug", "A bug", results, datetime(2026, 1, 2, tzinfo=UTC))
    suite = ElementTree.fromstring(text)[0]  # noqa: S314 - our own
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "bug",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["v=1 os=a", "v=2", "v=3", "v=4"]
    assert [case[0].tag for case in cases] == ["failure", "system-out", "error", "skipped"]
    assert [case[0].get("message") for case in cases] == ["A bug", None, "no answer", "a rule"]
    assert "\N{REPLACEMENT CHARACTER}[31mred" in str(cases[0].findtext("system-out"))


# --- cells that are run -----------------------------------------------------------------------------------------------

GOOD = {"verdict": "reproduced", "reasons": [], "counts": {"reproduced": 1}, "tries": []}
RESULT = f"emit('result', result={GOOD!r})"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Has a Python program run in place of a labgen; in it `cell` is the cell's lab, `emit` tells an event."""
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [])

    def set_program(text: str) -> None:
        head = "import json, os, sys, time, signal\nfrom labgen.cli.events import emit\ncell = sys.argv[1]\n"
        monkeypatch.setattr(CellRunner, "_words", lambda _, cell: [sys.executable, "-c", head + text, cell.lab])

    return set_program


def test_a_matrix(runs: Callable[[str], None]) -> None:
    runs(f"print('so', file=sys.stderr)\nemit('phase', name='boot', title='Boot')\n{RESULT}\nsys.exit(1)")
    said: list[tuple[str, str]] = []
    heard: list[str] = []
    matrix = run_matrix(
        WRITTEN,
        parse_axes(["versions.patroni=3.0.1,2.1.2", "os=debian-12"]),
        ReproRequest(provider="docker"),
        say=lambda cell, text: said.append((cell.values["versions.patroni"], text)),
        on_result=lambda it: heard.append(it.status),
    )
    # One that a rule refuses is known before anything is run.
    assert heard == [IMPOSSIBLE, R]
    assert [it.status for it in matrix.results] == [R, IMPOSSIBLE]
    assert matrix.results[1].reasons == (
        "patroni: PostgreSQL 15 needs Patroni 2.1.5 or later, not 2.1.2, which goes with Debian 11 "
        "(--set os=debian-11) (on node1, node2)",
    )
    assert matrix.results[0].result == GOOD
    assert said == [("3.0.1", "Boot")]
    kept = matrix.folder / "matrix.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text())["cells"][0]["result"] == GOOD


def test_a_labgen_that_fails_gives_its_reason(runs: Callable[[str], None]) -> None:
    runs(
        "print('error: it broke', file=sys.stderr)\n"
        "emit('error', what='it broke', where='node1', detail=['badly'], cure='mend it')\n"
        "sys.exit(4)"
    )
    (it,) = run_matrix(WRITTEN, parse_axes(["versions.patroni=3.0.1"]), ReproRequest(provider="docker")).results
    assert it.status is U
    assert it.reasons[:3] == ("it broke", "where: node1", "badly")
    assert it.reasons[3].startswith("all it said: ")
    log = Path(it.reasons[3].removeprefix("all it said: "))
    assert log.read_text() == "error: it broke\n"
    assert json.loads((log.parent / f"{it.cell.lab}.events.jsonl").read_text())["cure"] == "mend it"


def test_events_come_in_pieces_and_are_not_alone() -> None:
    entered: list[bool] = []
    said: list[str] = []
    events = CellEvents(lambda: entered.append(True), said.append)
    for piece in (
        b'{"event": "phase", "name": "preflight", "title": "Preflight"}\n{"event": "phase-',
        b'end", "name": "preflight", "seconds": 0.1}\nhello\n[1]\n{"event": 3}\n{"event": "new", "what": 1}\n',
        b'{"event": "phase-end", "name": "boot", "seconds": 1}\n{"event": "step", "node": "n", "component": "c", ',
        b'"stage": "start", "state": "finished", "seconds": 1}\n{"event": "check", "name": "x", "status": "pass"}\n',
        b'{"event": "result", "result": {}}\n{"event": "error", "what": "it broke"}\n',
    ):
        events.take(piece)
    assert entered == [True]
    assert said == ["Preflight", "n c start finished", "x: pass"]
    assert events.result is None
    assert events.reasons(1) == ("it broke",)
    assert CellEvents(lambda: None, said.append).reasons(70) == ("exit code 70",)


def test_cells_side_by_side_enter_one_by_one(runs: Callable[[str], None], tmp_path: Path) -> None:
    """Whoever looks for a range of addresses is alone with that; then they run at the same time."""
    place = tmp_path / "inside"
    place.mkdir()
    runs(
        f"place = {str(place)!r}\n"
        "assert not [name for name in os.listdir(place) if name.endswith('.choosing')], 'two at once'\n"
        "open(f'{place}/{cell}.choosing', 'w').close()\n"
        "time.sleep(0.2)\n"
        "os.rename(f'{place}/{cell}.choosing', f'{place}/{cell}.running')\n"
        "emit('phase-end', name='preflight', seconds=0.2)\n"
        "end = time.monotonic() + 20\n"
        "while len(os.listdir(place)) < 2 and time.monotonic() < end: time.sleep(0.05)\n"
        f"if len(os.listdir(place)) == 2: {RESULT}\n"
    )
    axes = parse_axes(["versions.patroni=3.0.1,3.0.2"])
    matrix = run_matrix(WRITTEN, axes, ReproRequest(provider="docker"), jobs=2)
    assert [it.status for it in matrix.results] == [R, R]


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_the_cells_gently(runs: Callable[[str], None], tmp_path: Path, jobs: int) -> None:
    ended = tmp_path / "ended"
    runs(
        "try:\n"
        "    emit('phase', name='boot', title='Boot')\n"
        "    emit('phase-end', name='preflight', seconds=0.2)\n"
        "    time.sleep(60)\n"
        f"except KeyboardInterrupt:\n    open({str(ended)!r} + cell, 'w').close()\n"
    )
    heard: set[str] = set()

    def interrupt() -> None:
        until("cells under way", 20, lambda: len(heard) == jobs)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_matrix(
            WRITTEN,
            parse_axes(["versions.patroni=3.0.1,3.0.2"]),
            ReproRequest(provider="docker"),
            jobs=jobs,
            say=lambda cell, _text: heard.add(cell.lab),
        )
    assert time.monotonic() - began < 30
    assert len(list(tmp_path.glob("ended*"))) == jobs


def test_a_name_that_means_nothing_is_a_mistake(runs: Callable[[str], None]) -> None:
    runs("")
    with pytest.raises(UnknownNameError):
        run_matrix(WRITTEN, parse_axes(["versions.patrony=1,2"]), ReproRequest(provider="docker"))
    with pytest.raises(UnknownNameError):
        run_matrix(WRITTEN, parse_axes(["os=debian-12,debian-99"]), ReproRequest(provider="docker"))


def test_the_words_for_a_labgen(tmp_path: Path) -> None:
    file = tmp_path / "more.yml"
    options = ReproRequest(None, "docker", "plain", ("patroni.ttl=40",), (file,), (tmp_path,))
    runner = CellRunner(WRITTEN, options, tmp_path, keep=True, repeat=3, say=lambda _cell, _text: None)
    words = runner._words(Cell({"os": "debian-13"}, "bug-1"))
    assert words[1:4] == ["-m", "labgen", "repro"]
    text = " ".join(words[5:])
    assert text == (
        f"{WRITTEN.path} --name bug-1 --events --keep --provider docker --profile plain --repeat 3 "
        f"--set patroni.ttl=40 --set os=debian-13 --overrides {file} --components {tmp_path}"
    )


def test_a_bisection(runs: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    good = RESULT.replace("'reproduced', 'reasons'", "'not-reproduced', 'reasons'")
    labs = {cell.lab: cell.values["versions.patroni"] for cell in make_cells("patroni-2445", [_axis()], ("docker", ""))}
    runs(f"late = {labs!r}[cell] >= '3.0.3'\n{good} if late else {RESULT}")
    monkeypatch.setattr(actions, "offered_versions", lambda _: VERSIONS[:6])
    axis = Axis("versions.patroni", ("3.0.0", "3.0.5"))
    matrix = run_bisection(WRITTEN, axis, ReproRequest(provider="docker"))
    assert matrix.bisection is not None
    assert matrix.bisection.first is not None
    assert matrix.bisection.first.cell.values == {"versions.patroni": "3.0.3"}
    assert json.loads((matrix.folder / "matrix.json").read_text())["bisection"] == {
        "last": "3.0.2",
        "first": "3.0.3",
        "between": [],
    }


def _axis() -> Axis:
    return Axis("versions.patroni", VERSIONS[:6])


def test_a_reproduction_that_does_not_fit_its_lab_is_refused_before_anything_is_run(
    runs: Callable[[str], None], tmp_path: Path
) -> None:
    runs("")
    path = tmp_path / "odd.yml"
    path.write_text(
        "name: odd\ntitle: Odd\nlab: etcd-patroni-ops\nactions: [{heal: {}}]\n"
        "seen: [{output: {on: nobody, command: ls}}]\n"
    )
    with pytest.raises(DocumentError):
        run_matrix(read_written(path), parse_axes(["patroni.ttl=30,40"]), ReproRequest(provider="docker"))
