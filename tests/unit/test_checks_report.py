"""Reports: JSON, JUnit and the table."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from rich.console import Console

from labgen.checks import (
    CheckOutcome,
    CheckReport,
    CheckResult,
    Evidence,
    Status,
    report_table,
    result_line,
    to_json,
    to_junit,
)

EVIDENCE = (
    Evidence("pg-patroni1", "patronictl list", 0, "+ Cluster +\n| a | b |\n", "", 0.5),
    Evidence("pg-patroni2", "psql <x>", 2, "", "FATAL: \x1b[31mno\x00\n", 0.25),
    Evidence("pgbouncer", "ss", None, "", "no answer", 5.0),
)
REPORT = CheckReport(
    lab="demo",
    blueprint="consul-pgbouncer",
    provider="docker",
    profile="modern",
    os="debian-13",
    started=datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC),
    seconds=4.25,
    results=(
        CheckResult("ports", "Ports", Status.PASS, "fine", (), 1.0),
        CheckResult("patroni-cluster", "Cluster", Status.FAIL, "2 leaders: a & b <x>", EVIDENCE[:2], 2.0),
        CheckResult("services", "Services", Status.UNKNOWN, "pgbouncer: no [answer] \x07", EVIDENCE[2:], 5.0),
    ),
)


def shown(report: CheckReport, *, verbose: bool = False, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(report_table(report, verbose=verbose))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_json() -> None:
    document = json.loads(to_json(REPORT))
    assert {key: document[key] for key in document if key != "checks"} == {
        "schema": 1,
        "lab": "demo",
        "blueprint": "consul-pgbouncer",
        "provider": "docker",
        "profile": "modern",
        "os": "debian-13",
        "started": "2026-11-21T07:00:00.123+00:00",
        "seconds": 4.25,
        "passed": False,
        "counts": {"pass": 1, "fail": 1, "unknown": 1},
    }
    assert document["checks"][1] == {
        "name": "patroni-cluster",
        "title": "Cluster",
        "status": "fail",
        "detail": "2 leaders: a & b <x>",
        "seconds": 2.0,
        "evidence": [
            {
                "node": "pg-patroni1",
                "command": "patronictl list",
                "rc": 0,
                "stdout": "+ Cluster +\n| a | b |\n",
                "stderr": "",
                "seconds": 0.5,
            },
            {
                "node": "pg-patroni2",
                "command": "psql <x>",
                "rc": 2,
                "stdout": "",
                "stderr": "FATAL: \x1b[31mno\x00\n",
                "seconds": 0.25,
            },
        ],
    }


def test_junit() -> None:
    suite = ElementTree.fromstring(to_junit(REPORT))[0]  # noqa: S314  our own output
    assert {key: suite.get(key) for key in ("name", "tests", "failures", "errors", "time")} == {
        "name": "demo",
        "tests": "3",
        "failures": "1",
        "errors": "1",
        "time": "4.250",
    }
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["ports", "patroni-cluster", "services"]
    assert cases[0].find("failure") is None
    failure, error = cases[1].find("failure"), cases[2].find("error")
    assert failure is not None
    assert failure.get("message") == "2 leaders: a & b <x>"
    assert error is not None
    assert error.get("message") == "pgbouncer: no [answer] \N{REPLACEMENT CHARACTER}"
    assert "pg-patroni1# patronictl list" in (cases[1].findtext("system-out") or "")


def test_table_has_one_line_a_check() -> None:
    text = shown(REPORT)
    assert "patroni-cluster  fail     2 leaders: a & b <x>" in text
    assert "3 checks: 1 passed, 1 failed, 1 unknown" in text
    assert "patronictl list" not in text


def test_verbose_table_shows_commands_and_output() -> None:
    text = shown(REPORT, verbose=True)
    assert "pg-patroni1# patronictl list" in text
    assert "| a | b |" in text
    assert "exit 2" in text
    assert "no answer" in text


def test_what_a_guest_prints_cannot_drive_the_terminal() -> None:
    for text in (shown(REPORT, verbose=True), result_line(REPORT.results[2]).plain):
        assert not {"\x1b", "\x00", "\x07"} & set(text)


def test_result_line() -> None:
    assert result_line(REPORT.results[1]).plain == "fail    patroni-cluster: 2 leaders: a & b <x>"


@pytest.mark.parametrize(
    ("statuses", "passed", "summary"),
    [
        ([Status.PASS], True, "1 check: 1 passed"),
        ([Status.PASS, Status.UNKNOWN], False, "2 checks: 1 passed, 1 unknown"),
        ([Status.FAIL], False, "1 check: 1 failed"),
    ],
)
def test_summary(statuses: list[Status], passed: bool, summary: str) -> None:
    results = tuple(replace(REPORT.results[0], status=status) for status in statuses)
    report = replace(REPORT, results=results)
    assert (report.passed, report.summary) == (passed, summary)


def test_a_fault_weighs_more_than_silence() -> None:
    assert CheckOutcome.of("fine", faults=["a"], unknown=["b", "a"]) == CheckOutcome.failed("a; b")
    assert CheckOutcome.of("fine", unknown=["b", "b"]) == CheckOutcome.unknown("b")
    assert CheckOutcome.of("fine") == CheckOutcome.passed("fine")
