"""What came of a reproduction: all its tries, as plain data, and on disk."""

from __future__ import annotations

import json
import secrets as random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.checks.wording import count
from labgen.lab.model import Lab
from labgen.repro.judge import ConditionResult, ReproVerdict
from labgen.repro.model import Reproduction
from labgen.repro.play import Attempt, Done
from labgen.system.files import write_atomically

FORMAT = 1
FOLDER = "repro"
"""Below a lab's folder."""


@dataclass(frozen=True)
class ReproOutcome:
    """A reproduction that is over. LAB: as it was resolved. PATH: where the result is kept, if it is.

    sick: why nothing was tried, if nothing was.
    """

    document: Reproduction
    lab: Lab
    tries: tuple[Attempt, ...]
    path: Path | None = None
    sick: tuple[str, ...] = ()

    @property
    def verdict(self) -> ReproVerdict:
        """One try that shows the bug is enough; that it is not there takes all of them."""
        return together([it.verdict for it in self.tries])

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(it.verdict for it in self.tries)
        return {verdict.value: found[verdict] for verdict in ReproVerdict}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Of the first try that says the same as the whole."""
        return self.sick or next((it.reasons for it in self.tries if it.verdict is self.verdict), ())


def together(verdicts: list[ReproVerdict]) -> ReproVerdict:
    """What several tries say, put together."""
    if ReproVerdict.REPRODUCED in verdicts:
        return ReproVerdict.REPRODUCED
    return ReproVerdict.UNKNOWN if ReproVerdict.UNKNOWN in verdicts or not verdicts else ReproVerdict.NOT_REPRODUCED


def counted(counts: Mapping[str, int]) -> str:
    """`3 of 20 tries reproduced, 1 unknown`."""
    tries = sum(counts.values())
    words = f"{counts[ReproVerdict.REPRODUCED]} of {count(tries, 'try').replace('trys', 'tries')} reproduced"
    unknown = counts[ReproVerdict.UNKNOWN]
    return words + (f", {unknown} unknown" if unknown else "")


def result_data(outcome: ReproOutcome) -> dict[str, Any]:
    """OUTCOME as JSON has it; docs/reproductions.md has the keys."""
    document, lab = outcome.document, outcome.lab
    return {
        "format": FORMAT,
        "reproduction": document.name,
        "title": document.title,
        "report": document.report,
        "fixed": document.fixed,
        "lab": lab.name,
        "blueprint": lab.blueprint.name,
        "profile": lab.profile,
        "provider": lab.provider,
        "os": lab.os,
        "versions": dict(lab.versions),
        "overrides": list(lab.overrides),
        "verdict": outcome.verdict.value,
        "reasons": list(outcome.reasons),
        "counts": outcome.counts,
        "tries": [_try(it) for it in outcome.tries],
    }


def keep(outcome: ReproOutcome, folder: Path) -> Path:
    """Write OUTCOME below the lab's FOLDER; for its owner's eyes only. Its secrets are blacked out already."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = outcome.tries[0].started.strftime("%Y%m%d-%H%M%S") if outcome.tries else "untried"
    path = place / f"{outcome.document.name}-{stamp}-{random.token_hex(2)}.json"
    text = json.dumps(result_data(outcome), indent=2, ensure_ascii=False)
    write_atomically(path, text.encode() + b"\n", 0o600)
    return path


def _try(it: Attempt) -> dict[str, Any]:
    return {
        "verdict": it.verdict.value,
        "reasons": list(it.reasons),
        "started": it.started.isoformat(timespec="milliseconds"),
        "seconds": it.seconds,
        "actions": [_action(done) for done in it.actions],
        "seen": [_judged(judged) for judged in it.seen],
        "otherwise": [_judged(judged) for judged in it.otherwise],
    }


def _action(done: Done) -> dict[str, Any]:
    return {
        "action": done.kind,
        "title": done.title,
        "state": done.state.value,
        "why": done.why,
        "at": done.at,
        "seconds": done.seconds,
        "evidence": [vars(piece) for piece in done.evidence],
    }


def _judged(judged: ConditionResult) -> dict[str, Any]:
    return {
        "condition": judged.title,
        "holds": judged.holds.value,
        "why": judged.why,
        "evidence": [vars(piece) for piece in judged.evidence],
    }
