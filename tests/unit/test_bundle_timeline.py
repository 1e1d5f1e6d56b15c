"""Logs of several nodes on one clock."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from labgen.bundle.entries import OTHER, PATRONI, POSTGRESQL, Entry, StepRecord, read_journal, read_log_file, steps
from labgen.bundle.timeline import Clock, line_of, merged

NOON = 1795608000.0  # 2026-11-25 12:00:00 UTC


def journal_line(at: float, message: object, comm: str = "patroni", **more: object) -> str:
    return json.dumps(
        {
            "__REALTIME_TIMESTAMP": str(int(at * 1e6)),
            "__MONOTONIC_TIMESTAMP": "1000000",
            "_BOOT_ID": "b",
            "_COMM": comm,
            "_PID": "12",
            "_SYSTEMD_UNIT": "patroni.service",
            "MESSAGE": message,
            **more,
        }
    )


def read(*lines: str) -> list[Entry]:
    return read_journal(lines, "node1")


def test_a_journal_is_read_with_its_processes_told_apart() -> None:
    found = read(
        journal_line(NOON, "INFO: no action. I am (node1)"),
        journal_line(NOON + 0.25, "2026-11-25 12:00:00.250 UTC [7] LOG:  ready", comm="postgres"),
        # A process that Patroni has just started may still be called like it.
        journal_line(NOON + 0.3, "2026-11-25 12:00:00.300 UTC [8] FATAL:  no", comm="patroni"),
        journal_line(NOON + 1, "running callback", comm="callback.sh"),
        journal_line(NOON + 2, "raft", comm="etcd", _SYSTEMD_UNIT="etcd.service"),
    )
    assert [entry.source for entry in found] == [PATRONI, POSTGRESQL, POSTGRESQL, PATRONI, OTHER]
    assert [entry.process for entry in found][:2] == ["patroni[12]", "postgres[12]"]
    assert found[1].at == pytest.approx(NOON + 0.25)
    assert line_of(found[1], 5) == "2026-11-25 12:00:00.250000 node1 postgres[12]: " + found[1].text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("plain", "plain"),
        ([104, 105, 255], "hi\ufffd"),
        (None, ""),
        (["one", "two"], "one\ntwo"),
        (["one", [116, 119, 111], None], "one\ntwo\n"),
        ("two\nlines\n", "two\nlines"),
    ],
)
def test_messages_of_every_kind(message: object, text: str) -> None:
    assert read(journal_line(NOON, message))[0].text == text.rstrip("\n")


def test_what_is_cut_off_or_no_entry_is_left_out() -> None:
    whole = journal_line(NOON, "whole")
    assert [e.text for e in read(whole[20:], "", "-- No entries --", "[]", "{}", whole)] == ["whole"]


def test_clocks_that_differ_are_brought_together() -> None:
    cause = Entry(NOON + 60, "ahead", "patroni[1]", "cause")
    effect = Entry(NOON + 0.2, "right", "patroni[1]", "effect")
    before = Entry(NOON - 30, "behind", "patroni[1]", "before")
    clocks = {"ahead": Clock(-60.0, 0.01), "right": Clock(0.0, 0.002), "behind": Clock(30.0, 0.02)}
    line = merged({"ahead": [cause], "right": [effect], "behind": [before]}, clocks, {"away": "it does not run"})
    assert [(entry.text, entry.at) for entry in line.entries] == [
        ("cause", NOON),
        ("before", NOON),
        ("effect", NOON + 0.2),
    ]
    assert line.doubt == pytest.approx(0.03)
    text = list(line.lines())
    assert "# ahead: -60.000000 s added to its own clock, which may be wrong by 0.010000 s" in text
    assert "# away is not in here: it does not run" in text
    assert "# What two nodes wrote within 0.030000 s of each other may stand in the wrong order." in text
    assert text[-1] == "2026-11-25 12:00:00.200000 right  patroni[1]: effect"


def test_the_order_of_one_node_stays() -> None:
    entries = [Entry(NOON, "node1", "a", str(number)) for number in range(20)]
    assert [e.text for e in merged({"node1": entries}, {"node1": Clock(1, 0)}).entries] == [e.text for e in entries]


def test_a_clock_that_was_set_is_told() -> None:
    def at(wall: float, running: float, boot: str = "b") -> Entry:
        return Entry(NOON + wall, "node1", "x", "", boot=boot, running=running)

    slewed = [at(number * 1.01, number) for number in range(10)]
    assert steps(slewed) == []
    entries = [at(0, 0), at(1, 1), at(62, 2), at(63, 3), at(4, 4), at(9000, 1, boot="c")]
    assert steps(entries) == [StepRecord(NOON + 62, 60.0), StepRecord(NOON + 4, -60.0)]
    text = "\n".join(merged({"node1": entries}, {"node1": Clock(0, 0, steps=(StepRecord(NOON, 60.0),))}).lines())
    assert "its clock was set by +60.000 s at 2026-11-25 12:00:00.000000" in text


def test_a_message_of_several_lines_goes_on_further_right() -> None:
    assert line_of(Entry(NOON, "n", "p", "one\ntwo")) == "2026-11-25 12:00:00.000000 n p: one\n    two"


LOG = """\
cut off
2026-11-25 12:00:00.100 UTC [7] LOG:  starting
2026-11-25 12:00:00.200 UTC [7] ERROR:  syntax error
\tat character 8
2026-11-25 12:00:01.000 UTC [7] STATEMENT:  selec
"""


def test_a_log_file_of_postgresql() -> None:
    found = list(read_log_file(LOG, "node1", "/var/lib/postgresql/17/postgres/log/postgresql.log", timedelta()))
    assert [entry.at for entry in found] == pytest.approx([NOON + 0.1, NOON + 0.2, NOON + 1])
    assert [entry.text for entry in found] == [
        "[7] LOG:  starting",
        "[7] ERROR:  syntax error\n\tat character 8",
        "[7] STATEMENT:  selec",
    ]
    assert {entry.source for entry in found} == {POSTGRESQL}


@pytest.mark.parametrize(
    ("stamp", "ahead", "at"),
    [
        ("2026-11-25 12:00:00.500 UTC", 3, NOON + 0.5),
        ("2026-11-25T12:00:00Z", 3, NOON),
        ("2026-11-25 12:00:00,250", 0, NOON + 0.25),
        ("2026-11-25 15:00:00,250", 3, NOON + 0.25),
        ("2026-11-25 15:00:00.250 MSK", 3, NOON + 0.25),
        ("2026-11-25 15:00:00.250 +03", 0, NOON + 0.25),
        ("2026-11-25 08:30:00-03:30", 0, NOON),
        ("2026-11-25 08:30:00-0330", 0, NOON),
        ('{"timestamp":"2026-11-25 12:00:00.500 UTC","pid":7}', 0, NOON + 0.5),
        ('2026-11-25 12:00:00.500 UTC,"postgres","postgres",7', 0, NOON + 0.5),
    ],
)
def test_every_way_to_write_a_time(stamp: str, ahead: int, at: float) -> None:
    (found,) = read_log_file(f"{stamp} words\n", "n", "/var/log/x.log", timedelta(hours=ahead))
    assert found.at == pytest.approx(at)
    assert "words" in found.text


def test_a_level_is_no_zone() -> None:
    text = "2026-11-25 12:00:00,379 INFO: no action\n2026-11-25 12:00:01 WARNING late\n"
    found = list(read_log_file(text, "n", "/var/log/patroni/patroni.log", timedelta()))
    assert [entry.text for entry in found] == ["INFO: no action", "WARNING late"]


def test_whose_log_file_it_is() -> None:
    def source(path: str) -> str:
        return next(read_log_file("2026-11-25 12:00:00 x", "n", path, timedelta())).source

    assert source("/var/log/patroni/patroni.log") == PATRONI
    assert source("/var/log/postgresql/postgresql-17.log") == POSTGRESQL
    assert source("/var/log/postgresql/pgbouncer.log") == OTHER
