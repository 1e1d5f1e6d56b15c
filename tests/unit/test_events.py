"""Event lines: what a program that runs labgen can read."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from labgen.checks import CheckResult, Status
from labgen.cli.events import EventReporter, errors_told
from labgen.cli.main import app
from labgen.errors import DocumentError, NodeError
from labgen.plan import StepId
from tests.fakes.reporter import Heard


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_an_action_tells(capsys: pytest.CaptureFixture[str]) -> None:
    heard, now = Heard(), iter([10.0, 11.5, 11.5, 12.0])
    reporter = EventReporter(heard, lambda: next(now))
    step = StepId("node1", "etcd", "start")
    reporter.phase("Preflight", "preflight")
    reporter.note("a warning")
    reporter.phase("Provision", "provision")
    reporter.steps(2)
    reporter.finished(step, 1.23456)
    reporter.failed(step, 2)
    reporter.checked(CheckResult("etcd", "It is well", Status.PASS, "", (), 0.1))
    reporter.end()
    reporter.end()
    named = {"node": "node1", "component": "etcd", "stage": "start"}
    assert told(capsys) == [
        {"event": "phase", "name": "preflight", "title": "Preflight"},
        {"event": "note", "text": "a warning"},
        {"event": "phase-end", "name": "preflight", "seconds": 1.5},
        {"event": "phase", "name": "provision", "title": "Provision"},
        {"event": "steps", "total": 2},
        {"event": "step", **named, "state": "finished", "seconds": 1.235},
        {"event": "step", **named, "state": "failed", "seconds": 2},
        {"event": "check", "name": "etcd", "status": "pass"},
        {"event": "phase-end", "name": "provision", "seconds": 0.5},
    ]
    assert (heard.phases, heard.notes) == (["Preflight", "Provision"], ["a warning"])


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (NodeError("it is silent", where="node1", cure="wait", detail=["so"]), "it is silent"),
        (KeyError("x"), "a fault of labgen itself: KeyError: 'x'"),
    ],
)
def test_an_error_is_told_and_goes_on(error: Exception, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(type(error)), errors_told():
        raise error
    (event,) = told(capsys)
    assert (event["event"], event["what"]) == ("error", what)


def test_a_full_disk_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), errors_told():
        raise OSError(errno.ENOSPC, "it is full", str(tmp_path))
    (event,) = told(capsys)
    assert event["cure"]


def test_a_reproduction_that_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bug.yml").write_text("name: bug\n")
    done = CliRunner().invoke(app, ["repro", "run", str(tmp_path / "bug.yml"), "--events"])
    assert isinstance(done.exception, DocumentError)
    event = json.loads(done.stdout)
    assert event["event"] == "error"
    assert any("title" in line for line in event["detail"])


def test_it_is_for_programs_only() -> None:
    assert "--events" not in CliRunner().invoke(app, ["repro", "run", "--help"]).output
