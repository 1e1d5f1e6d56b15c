"""A matrix as JUnit XML: reproduced is a failure, unknown an error, impossible is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from labgen.checks import Evidence
from labgen.checks.report import transcript
from labgen.junit import Case, Ending, junit
from labgen.repro.judge import ReproVerdict
from labgen.repro.matrix import IMPOSSIBLE, CellResult

ENDINGS: dict[str, Ending] = {ReproVerdict.REPRODUCED: "failure", ReproVerdict.UNKNOWN: "error", IMPOSSIBLE: "skipped"}


def matrix_junit(name: str, title: str, results: Sequence[CellResult], started: datetime) -> str:
    """RESULTS as the one suite of a report."""
    seconds = sum(it.seconds for it in results)
    return junit(name, [_case(it, title) for it in results], started, seconds, {"title": title})


def _case(it: CellResult, title: str) -> Case:
    ending = ENDINGS.get(it.status)
    message = "; ".join(it.reasons) or (title if ending == "failure" else "")
    return Case(" ".join(it.cell.words), it.seconds, _output(it), ending, message, str(it.status))


def _output(it: CellResult) -> str:
    lines = list(it.reasons)
    for number, one in enumerate(it.result.get("tries", ()), 1):
        lines.append(f"try {number}: {one['verdict']}")
        for action in one["actions"]:
            lines.append(f"{action['state']}: {action['title']}" + (f": {action['why']}" if action["why"] else ""))
            lines += _transcripts(action)
        for key in ("seen", "otherwise"):
            for judged in one[key]:
                lines.append(f"{key}: {judged['holds']}: {judged['condition']}: {judged['why']}")
                lines += _transcripts(judged)
    return "\n".join(lines)


def _transcripts(part: dict[str, Any]) -> list[str]:
    return [transcript(Evidence(**piece)) for piece in part["evidence"]]
