"""A report for programs: JSON (docs/checks.md has the schema) and JUnit XML."""

from __future__ import annotations

import json
from typing import Any

from labgen.checks.model import CheckReport, CheckResult, Evidence, Status
from labgen.junit import Case, Ending, junit

SCHEMA = 1
"""Raised when a key changes its meaning or goes; new keys may come without that."""

ENDINGS: dict[Status, Ending] = {Status.FAIL: "failure", Status.UNKNOWN: "error"}


def to_json(report: CheckReport) -> str:
    """REPORT as one JSON document."""
    return json.dumps(report_data(report), indent=2, ensure_ascii=False)


def report_data(report: CheckReport) -> dict[str, Any]:
    """REPORT as plain data, the way `to_json` writes it."""
    return {
        "schema": SCHEMA,
        "lab": report.lab,
        "blueprint": report.blueprint,
        "provider": report.provider,
        "profile": report.profile,
        "os": report.os,
        "started": report.started.isoformat(timespec="milliseconds"),
        "seconds": report.seconds,
        "passed": report.passed,
        "counts": {status.value: report.count(status) for status in Status},
        "checks": [_check(result) for result in report.results],
    }


def _check(result: CheckResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "title": result.title,
        "status": result.status.value,
        "detail": result.detail,
        "seconds": result.seconds,
        "evidence": [vars(item) for item in result.evidence],
    }


def to_junit(report: CheckReport) -> str:
    """REPORT as JUnit XML: a fail is a failure, an unknown an error, the evidence is the case's output."""
    about = {key: str(getattr(report, key)) for key in ("blueprint", "provider", "profile", "os")}
    return junit(report.lab, [_case(result) for result in report.results], report.started, report.seconds, about)


def _case(result: CheckResult) -> Case:
    output = "\n".join([result.detail, "", *(transcript(item) for item in result.evidence)])
    return Case(result.name, result.seconds, output, ENDINGS.get(result.status), result.detail, result.status.value)


def transcript(item: Evidence) -> str:
    """EVIDENCE as a terminal would have shown it."""
    head = f"{item.node}# {item.command}"
    end = "no answer" if item.rc is None else f"exit {item.rc}"
    lines = [head, item.stdout.rstrip("\n"), item.stderr.rstrip("\n"), f"[{end}, {item.seconds:.2f} s]"]
    return "\n".join(line for line in lines if line) + "\n"
