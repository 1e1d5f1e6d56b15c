"""A report for programs: JSON (docs/checks.md has the schema) and JUnit XML."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

from labgen.checks.model import CheckResult, Evidence, Report, Status

SCHEMA = 1
"""Raised when a key changes its meaning or goes; new keys may come without that."""

# What XML 1.0 cannot hold, even escaped: a guest may print anything.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_json(report: Report) -> str:
    """REPORT as one JSON document."""
    return json.dumps(report_data(report), indent=2, ensure_ascii=False)


def report_data(report: Report) -> dict[str, Any]:
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


def to_junit(report: Report) -> str:
    """REPORT as JUnit XML: a fail is a failure, an unknown an error, the evidence is the case's output."""
    suites = ElementTree.Element("testsuites", name="labgen")
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=report.lab,
        tests=str(len(report.results)),
        failures=str(report.count(Status.FAIL)),
        errors=str(report.count(Status.UNKNOWN)),
        skipped="0",
        time=f"{report.seconds:.3f}",
        timestamp=report.started.isoformat(timespec="seconds"),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for key in ("blueprint", "provider", "profile", "os"):
        ElementTree.SubElement(properties, "property", name=key, value=getattr(report, key))
    for result in report.results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"labgen.{report.lab}", name=result.name, time=f"{result.seconds:.3f}"
        )
        kind = {Status.FAIL: "failure", Status.UNKNOWN: "error"}.get(result.status)
        if kind:
            ElementTree.SubElement(case, kind, message=_xml(result.detail), type=result.status.value)
        output = "\n".join([result.detail, "", *(transcript(item) for item in result.evidence)])
        ElementTree.SubElement(case, "system-out").text = _xml(output)
    ElementTree.indent(suites)
    text: str = ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)
    return text + "\n"


def transcript(item: Evidence) -> str:
    """EVIDENCE as a terminal would have shown it."""
    head = f"{item.node}# {item.command}"
    end = "no answer" if item.rc is None else f"exit {item.rc}"
    lines = [head, item.stdout.rstrip("\n"), item.stderr.rstrip("\n"), f"[{end}, {item.seconds:.2f} s]"]
    return "\n".join(line for line in lines if line) + "\n"


def _xml(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
