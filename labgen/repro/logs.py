"""The lines that a log has got: of a unit's journal and of the files that its processes write to, or of one file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from labgen.checks.context import Unknown, complaint
from labgen.checks.wording import count
from labgen.lab.model import Node
from labgen.patterns import search
from labgen.repro.context import Recorder, TryContext, appended_by
from labgen.repro.model_conditions import LogLines

SHOWN_LINES = 20
"""Lines of a log that evidence keeps."""
LAST_LINES = 5
"""Lines of a log's end that it keeps where no line is the one looked for."""


@dataclass(frozen=True)
class Answer:
    """Whether it is so, and what was found."""

    holds: bool
    why: str


def ask_log(witness: Recorder, node: Node, question: LogLines) -> Answer:
    """Whether a log has the lines in QUESTION; raises Unknown where that cannot be found out.

    A program that writes into a file, by whatever setting, is read there; a line that was found is one, but none is
    missing as long as nobody can say where it writes.
    """
    elsewhere, unsure = _elsewhere(witness, node, question)
    lines = [line for path in elsewhere for line in _new_lines(witness, node, question, path)]
    lines += _new_lines(witness, node, question, question.file)
    faults, shown, proven = [], [], True
    if question.matches is not None:
        found = [line for line in lines if search(question.matches, line) is not None]
        shown += found
        proven = question.at_most is None or len(found) > question.at_most
        if len(found) < question.at_least:
            proven = False
            faults.append(f"{_matching(found, lines)}{_not(question.at_least, 'at least')}")
        elif question.at_most is not None and len(found) > question.at_most:
            faults.append(f"{_matching(found, lines)}, not at most {question.at_most}")
    if question.lacks is not None:
        found = [line for line in lines if search(question.lacks, line) is not None]
        shown += found
        if found:
            proven = True
            faults.append(f"a line matches that should not be there: {found[0].strip()}")
        else:
            proven = proven and bool(faults)
    if unsure and not proven:
        raise Unknown(f"{node.name}: {question.unit} may write its log elsewhere: {unsure}")
    return Answer(not faults, "; ".join(faults) or (shown[0].strip() if shown else f"none of {_total(lines)} matches"))


def _elsewhere(witness: Recorder, node: Node, question: LogLines) -> tuple[list[str], str]:
    """The files that the unit of QUESTION writes to, or has when it began; and why there may be others."""
    if question.unit is None:
        return [], ""
    known = witness.scene.written.get((node.name, question.unit), ())
    done = witness.ask(node, appended_by(question.unit), within=question.within)
    witness.evidence.pop()
    names = [line.partition(" ")[2] for line in done.stdout.splitlines()]
    return list(dict.fromkeys([*known, *filter(None, names)])), "" if done.rc == 0 else complaint(done)


def _new_lines(witness: Recorder, node: Node, question: LogLines, file: str | None) -> list[str]:
    """What FILE, or without one the journal of the unit, has got since the actions began."""
    source = f"tail {file}" if file else f"journalctl --unit={question.unit}"
    command = log_command(witness.scene, node, question, file)
    done = witness.ask(node, command, shown=f"{source}  # since the actions began", within=question.within)
    if done.rc != 0 and question.unit:
        raise Unknown(f"{node.name}: {complaint(done)}")
    lines = done.stdout.splitlines()
    patterns = [pattern for pattern in (question.matches, question.lacks) if pattern is not None]
    shown = [line for pattern in patterns for line in lines if search(pattern, line) is not None]
    witness.trim(_some_lines(shown or lines[-LAST_LINES:], shown_all=bool(shown), of=len(lines)))
    return lines


def log_command(scene: TryContext, node: Node, question: LogLines, file: str | None) -> str:
    """The command that prints what of FILE, or of the unit's journal, is new, one line a line."""
    if file:
        path, size = shlex.quote(file), scene.sizes.get((node.name, file), 0)
        # One that is shorter than it was has been begun anew. One that is not there has no lines.
        start = f'n={size + 1}; [ "$(stat --format=%s {path} 2>/dev/null || echo 0)" -ge {size} ] || n=1'
        return f"{start}; test ! -e {path} || tail --bytes=+$n {path}"
    unit, cursor = shlex.quote(str(question.unit)), scene.cursors.get(node.name, "")
    since = f"--after-cursor={shlex.quote(cursor)}" if cursor else ""
    return f"journalctl --quiet --no-pager --output=cat --unit={unit} {since}".rstrip()


def _matching(found: Sequence[str], lines: Sequence[str]) -> str:
    return f"{len(found) or 'none'} of {_total(lines)} {'match' if len(found) > 1 else 'matches'}"


def _total(lines: Sequence[str]) -> str:
    return count(len(lines), "new line")


def _not(number: int, limit: str) -> str:
    return "" if number == 1 else f", not {limit} {number}"


def _some_lines(lines: Sequence[str], *, shown_all: bool, of: int) -> str:
    kept = list(lines[:SHOWN_LINES])
    if not shown_all and of > len(kept):
        kept.insert(0, f"[… {of - len(kept)} lines before these]")
    elif len(lines) > SHOWN_LINES:
        kept.append(f"[… and {len(lines) - SHOWN_LINES} more that match]")
    return "\n".join(kept)
