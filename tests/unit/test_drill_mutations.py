"""The judge held against an attacker: a good log, in which something is removed, doubled or altered, does not pass.

Twice: as the log was written, whose numbers and digest give any change away; and sealed anew, as if the drill's own
programs had told it so, where only what is told can give it away. What passes then is in HARMLESS, with the reason.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from labgen.drill.judge.log import LARGEST, LONGEST_LINE, parse_log, read_log
from labgen.drill.judge.verdict import judge
from labgen.errors import UsageError
from tests.unit.drill_logs import LEADER, MEMBERS, OTHER, THIRD, Story, sealed

Entry = dict[str, Any]
PATHS = ("libpq", "replicas")
RESULTS = ("ok", "fail", "unknown")
WITNESSES = ("sql", "rest", "dcs")

READERS = "for readers only, no part of the verdict"
HARMLESS: dict[tuple[str, str], str] = {
    ("begin", "lab"): READERS,
    ("begin", "operations"): READERS,
    ("begin", "interval"): f"{READERS}: the judge has bounds of its own",
    ("begin", "deadline"): f"{READERS}: the judge has bounds of its own",
    ("begin", "observe"): f"{READERS}: the judge has bounds of its own",
    ("write", "error"): READERS,
    ("read", "error"): READERS,
    ("read", "server"): READERS,
    ("fault", "title"): READERS,
    ("heal", "title"): READERS,
    ("heal", "name"): READERS,
    ("heal", "targets"): f"{READERS}: not every fault leaves something to heal",
    ("check", "detail"): READERS,
    ("rest", "leads"): "shown and not judged: Patroni's /primary is behind what PostgreSQL does",
    ("end", "t"): "nothing has to come after the end",
    ("write", "result: unknown for ok"): "nobody promised that row, which may be there",
    ("write", "result: unknown for fail"): "nobody promised that row, which may be missing",
    ("write", "result: fail for unknown"): "nobody promised that row, which is missing",
    ("read", "result: fail for ok"): "the gap is measured, and shorter than expected",
    ("read", "result: unknown for ok"): "the gap is measured, and shorter than expected",
    ("read", "result: unknown for fail"): "it was no answer before, and is none",
    ("read", "result: fail for unknown"): "it was no answer before, and is none",
    ("sql", "leads: null"): "a PostgreSQL that refuses once, for less than what counts as unwatched",
    ("sql", "timeline: null"): "a standby's timeline is not judged",
    ("sql", "timeline: gone"): "a standby's timeline is not judged",
    ("sql", "timeline: huge"): "a standby's timeline is not judged",
    ("dcs", "leader: null"): "a DCS that gives no answer once, for less than what counts as unwatched",
    ("dcs", "leader: gone"): "a DCS that gives no answer once, for less than what counts as unwatched",
    ("dcs", "leader: empty"): "a key that is gone for a moment names nobody else",
    ("sql", "removed"): "the last look, less before the end than what counts as unwatched",
    ("rest", "removed"): "the last look, less before the end than what counts as unwatched",
    ("dcs", "removed"): "the last look, less before the end than what counts as unwatched",
}
"""Kind of line, and field or what was done to it: why such a log may pass."""


def story(**about: Any) -> Story:
    expect = {"failover": True, "outage": 10}
    return Story(paths=PATHS, reads=("replicas",), expect=expect, tick=1.0, step=0.5, **about)


BASE: list[Entry] = list(story().lines())
KNOWN = {id(entry): json.dumps({**entry, "n": 0}) for entry in BASE}


def outcome(lines: Iterable[Mapping[str, Any]]) -> str:
    """The verdict on LINES, sealed anew; `refused` if they are no log."""
    return outcome_of(sealed(lines, KNOWN))


def outcome_of(text: str) -> str:
    try:
        return judge(parse_log(text.splitlines(keepends=True), "drill.jsonl")).status.value
    except UsageError:
        return "refused"


def samples() -> list[int]:
    """Where there are lines each of its own kind: one in the middle and the last one of each."""
    found: dict[tuple[str, ...], list[int]] = {}
    for at, entry in enumerate(BASE):
        keys = ("event", "path", "result", "node", "by", "run", "leads", "name")
        found.setdefault(tuple(str(entry.get(key)) for key in keys), []).append(at)
    return sorted({at for places in found.values() for at in (places[len(places) // 2], places[-1])})


def altered(value: Any) -> Iterator[tuple[str, Any]]:
    """What may become of a VALUE, and what to call it."""
    yield from (("null", None), ("NaN", math.nan), ("infinite", math.inf), ("a list", [1]), ("an object", {}))
    match value:
        case bool():
            yield from (("turned", not value), ("a word", "yes"), ("a number", 1))
        case int() | float():
            yield from (("negative", -value - 2), ("huge", value + 1000), ("a word", str(value)), ("true", True))
        case str():
            yield from (("another word", f"{value}x"), ("empty", ""), ("a number", 7))
            for words in (MEMBERS, PATHS, RESULTS, WITNESSES):
                if value in words:
                    yield from ((f"{other} for {value}", other) for other in words if other != value)
        case list():
            yield from (("without the last", value[:-1]), ("with the last twice", [*value, *value[-1:]]))


def one_by_one(at: int) -> Iterator[tuple[str, str, list[Entry]]]:
    """Each thing that may be done to the line AT: its field, what it is called, the lines in its place."""
    entry = BASE[at]
    yield "", "removed", []
    yield "", "doubled", [entry, entry]
    for key, value in entry.items():
        if value is not None:
            yield key, "gone", [{name: entry[name] for name in entry if name != key}]
        yield from ((key, name, [{**entry, key: other}]) for name, other in altered(value) if other is not value)


def excuses(entry: Entry, key: str, name: str) -> set[tuple[str, str]]:
    kind = entry.get("by", entry["event"])
    return {(kind, key), (kind, f"{key}: {name}"), (kind, name if not key else "")} & set(HARMLESS)


def test_the_good_log_passes() -> None:
    assert outcome(BASE) == "pass"
    assert outcome_of(story().text()) == "pass"
    old = story(format=1)
    assert judge(old.log()).reasons == ()
    assert judge(old.log()).status == "pass"


def test_no_line_removed_doubled_or_altered_passes() -> None:
    """But for what is HARMLESS, all of which does pass: nothing is excused for nothing."""
    passed, needed = [], set()
    for at in samples():
        for key, name, instead in one_by_one(at):
            excused = excuses(BASE[at], key, name)
            if not (excused and excused <= needed) and outcome([*BASE[:at], *instead, *BASE[at + 1 :]]) == "pass":
                passed += [] if excused else [f"{BASE[at]}: {key} {name}"]
                needed |= excused
    assert not passed, "\n".join(passed)
    assert needed == set(HARMLESS)


def test_any_change_of_what_was_written_shows() -> None:
    lines = story().text().splitlines(keepends=True)
    for at in samples():
        line = lines[at]
        assert outcome_of("".join([*lines[:at], *lines[at + 1 :]])) != "pass", line
        assert outcome_of("".join([*lines[: at + 1], *lines[at:]])) != "pass", line
        assert outcome_of("".join([*lines[:at], *lines[at + 1 : at + 2], line, *lines[at + 2 :]])) != "pass" or (
            at == len(lines) - 1
        ), line
        if at < len(lines) - 1:
            assert outcome_of("".join([*lines[:at], line.replace('": ', '":  ', 1), *lines[at + 1 :]])) != "pass", line


def test_a_log_of_format_2_cannot_say_that_it_is_an_old_one() -> None:
    lines = story().text().splitlines(keepends=True)
    begin = json.loads(lines[0])
    for without in ((), ("n",), ("n", "checks"), ("n", "checks", "witnesses")):
        told = {key: value for key, value in begin.items() if key not in without} | {"format": 1}
        assert outcome_of("".join([json.dumps(told) + "\n", *lines[1:]])) == "refused"


GROUPS: dict[str, Callable[[Entry], bool]] = {
    **{f"all of the kind {event}": lambda e, event=event: e["event"] == event for event in {e["event"] for e in BASE}},
    **{f"all that was seen on {node}": lambda e, node=node: e.get("node") == node for node in MEMBERS},
    **{f"all sightings on {n}": lambda e, n=n: e["event"] == "leader" and e["node"] == n for n in MEMBERS},
    **{f"all that {by} told": lambda e, by=by: e.get("by") == by for by in WITNESSES},
    **{f"{b} on {n}": lambda e, b=b, n=n: (e.get("by"), e.get("node")) == (b, n) for b in WITNESSES for n in MEMBERS},
    **{f"the path {path}": lambda e, path=path: e.get("path") == path for path in PATHS},
    **{f"all that was {result}": lambda e, result=result: e.get("result") == result for result in RESULTS},
    "all observers' clocks": lambda e: e["event"] == "clock" and "run" in e,
    "all from 20 s on": lambda e: e.get("t", e.get("t_end", 0)) > 20,
    "all that came after healing": lambda e: e["event"] in ("whole", "check", "rows"),
}  # fmt: skip


@pytest.mark.parametrize("gone", sorted(GROUPS))
def test_a_group_that_is_missing_is_missed(gone: str) -> None:
    assert outcome([entry for entry in BASE if not GROUPS[gone](entry)]) != "pass"


@pytest.mark.parametrize("format", [1, 2])
@pytest.mark.parametrize(
    ("node", "start", "end", "words"),
    [
        (None, 2, 39, "node2: nobody watched its PostgreSQL for "),
        (OTHER, 11, 20, "node2: nobody watched its PostgreSQL for "),
        (THIRD, 14, 24, "node3: nobody watched its PostgreSQL for "),
        (THIRD, -1, 41, "node3: nobody watched its PostgreSQL for "),
        (LEADER, 1, 11, "node1: nobody watched its PostgreSQL for "),
    ],
)
def test_time_that_nobody_watched(format: int, node: str | None, start: float, end: float, words: str) -> None:
    one = story(format=format)
    one.without(node, start, end)
    verdict = judge(one.log())
    assert verdict.status == "unknown"
    assert any(doubt.startswith(words) for doubt in verdict.doubts), verdict.doubts


@pytest.mark.parametrize(("seconds", "status"), [(1.9, "pass"), (2.3, "unknown")])
@pytest.mark.parametrize("by", WITNESSES)
def test_jitter_is_no_hole(seconds: float, status: str, by: str) -> None:
    one = Story()
    one.without(OTHER, 24, 24 + seconds, by=by)
    assert judge(one.log()).status == status


def test_a_hole_with_its_writes_and_rows() -> None:
    one = story()
    one.attempts = [entry for entry in one.attempts if not 20 < entry["t_start"] < 25]
    one.without(None, 20, 25)
    assert judge(one.log()).status == "unknown"


def test_a_struck_machine_that_nobody_can_watch_is_excused_and_no_other() -> None:
    lines = list(story().lines())
    fault = next(entry for entry in lines if entry["event"] == "fault")
    assert outcome(lines) == "pass"
    fault["unwatched"] = []
    assert outcome(lines) == "unknown"
    fault["unwatched"] = [LEADER, OTHER]
    assert outcome(lines) == "refused"


def test_a_struck_machine_is_to_be_watched_again() -> None:
    one = story()
    one.without(LEADER, 32, 41)
    verdict = judge(one.log())
    assert verdict.doubts == ("node1: its PostgreSQL told nothing after all members were there again",)


def test_an_answer_that_hangs_is_no_look() -> None:
    """Frozen while it asked: it is told when all is over, as if nothing had been."""
    one = story()
    one.without(THIRD, 12, 28)
    lines = list(one.lines())
    for entry in lines:
        if entry.get("node") == THIRD and entry.get("t") == 28:
            entry["took"] = 15.9
    doubts = judge(parse_log(sealed(lines).splitlines(keepends=True), "drill.jsonl")).doubts
    assert len([doubt for doubt in doubts if doubt.startswith("node3: nobody watched its")]) == 3


def test_a_second_leader_that_was_seen_once_is_a_doubt() -> None:
    one = Story()
    for seen in one.entries:
        if (seen["node"], seen["by"], seen["t"]) == (THIRD, "sql", 25):
            seen["leads"] = True
    verdict = judge(one.log())
    assert verdict.status == "unknown"
    assert "node3 was seen once to take writes while another node did: nobody knows for how long" in verdict.doubts


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "true", '"1"', "[]", "1" * 400])
def test_what_is_no_number_is_refused(word: str) -> None:
    lines = story().text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if '"t_end"' in line)
    value = json.loads(lines[at])["t_end"]
    lines[at] = lines[at].replace(f'"t_end": {value}', f'"t_end": {word}')
    with pytest.raises(UsageError, match=r"no line of a drill's log") as caught:
        parse_log(lines, "drill.jsonl")
    assert caught.value.where == f"drill.jsonl:{at + 1}"


def test_a_strangers_file_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "drill.jsonl"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(UsageError, match="24 MB at most"):
        read_log(path)
    path.write_text('{"event":"begin","lab":"' + "x" * LONGEST_LINE + '"}\n')
    with pytest.raises(UsageError, match="longer than in any drill's log"):
        read_log(path)
    path.write_text("[" * 100_000 + "\n")
    with pytest.raises(UsageError, match=r"no line of a drill's log"):
        read_log(path)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="it is no plain file"):
        read_log(tmp_path / "fifo")


def test_a_line_separator_in_a_check_s_words_ends_no_line(tmp_path: Path) -> None:
    lines = list(story().lines())
    check = next(entry for entry in lines if entry["event"] == "check")
    check["detail"] = "one\u2028two\x85three"
    path = tmp_path / "drill.jsonl"
    path.write_text(sealed(lines))
    assert judge(read_log(path)).status == "pass"
