"""Whether conditions hold: yes, no, or not to be found out; and what follows for the bug."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labgen.checks import Evidence
from labgen.checks.context import Unknown
from labgen.repro.model import Condition, Question
from labgen.repro.questions import ask
from labgen.repro.scene import Scene, Witness, reached
from labgen.repro.words import condition_title


class Holds(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What a try says about the bug."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not-reproduced"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judged:
    """A condition, whether it holds, what was found, and all that this rests on."""

    title: str
    holds: Holds
    why: str
    evidence: tuple[Evidence, ...]


def judge(condition: Condition, scene: Scene, ends: float) -> Judged:
    """CONDITION as it is now; nothing is asked after the monotonic time ENDS."""
    witness = Witness(scene, ends)
    holds, why = _judge(condition, witness)
    return Judged(condition_title(condition), holds, scene.hide(why), tuple(witness.evidence))


def _judge(condition: Condition, witness: Witness) -> tuple[Holds, str]:
    if condition.not_:
        holds, why = _judge(condition.not_, witness)
        return negated(holds), why
    if condition.parts:
        parts = [_judge(part, witness) for part in condition.parts]
        together = either if condition.any else every
        holds = together(holds for holds, _ in parts)
        # Those that decided it, or that might have.
        telling = [why for one, why in parts if one is holds] or [why for _, why in parts]
        return holds, "; ".join(telling)
    assert condition.question is not None  # noqa: S101 - the model sees to it
    return _ask(condition.question, witness)


def _ask(question: Question, witness: Witness) -> tuple[Holds, str]:
    """QUESTION on each node that it is about: it holds if it does on all of them."""
    try:
        nodes = reached(lambda: witness.scene.find(question.on))
    except Unknown as why:
        return Holds.UNKNOWN, str(why)
    found: list[tuple[Holds, str]] = []
    for node in nodes:
        try:
            answer = ask(witness, node, question)
        except Unknown as why:
            found.append((Holds.UNKNOWN, str(why)))
        else:
            found.append((Holds.YES if answer.holds else Holds.NO, f"{node.name}: {answer.why}"))
    holds = every(one for one, _ in found)
    return holds, "; ".join(why for one, why in found if one is holds)


def every(parts: Iterable[Holds]) -> Holds:
    """A no decides; what is not known weighs more than what is."""
    given = set(parts)
    return Holds.NO if Holds.NO in given else Holds.UNKNOWN if Holds.UNKNOWN in given else Holds.YES


def either(parts: Iterable[Holds]) -> Holds:
    """A yes decides."""
    return negated(every(negated(part) for part in parts))


def negated(holds: Holds) -> Holds:
    return {Holds.YES: Holds.NO, Holds.NO: Holds.YES}.get(holds, Holds.UNKNOWN)


def judge_all(
    seen: Sequence[Condition], otherwise: Sequence[Condition], scene: Scene, within: float, pause: float
) -> tuple[tuple[Judged, ...], tuple[Judged, ...]]:
    """SEEN and OTHERWISE, looked at until all of the one or all of the other hold, for WITHIN seconds at most."""
    ends = time.monotonic() + within
    while True:
        # What may take long is asked to the end, so that the last look is a whole one.
        one = tuple(judge(condition, scene, ends + within) for condition in seen)
        other = tuple(judge(condition, scene, ends + within) for condition in otherwise)
        decided = any(group and every(it.holds for it in group) is Holds.YES for group in (one, other))
        if decided or time.monotonic() + pause >= ends:
            return one, other
        time.sleep(pause)


def verdict_on(
    trouble: str | None, seen: Sequence[Judged], otherwise: Sequence[Judged]
) -> tuple[Verdict, tuple[str, ...]]:
    """What follows, with the reasons. TROUBLE: why the actions did not go as they should, if they did not."""
    if trouble:
        return Verdict.UNKNOWN, (trouble,)
    bug = every(it.holds for it in seen)
    fine = every(it.holds for it in otherwise) if otherwise else None
    if bug is Holds.YES and fine is Holds.YES:
        return Verdict.UNKNOWN, ("'seen' and 'otherwise' hold both: these conditions do not tell the two apart",)
    if bug is Holds.YES:
        return Verdict.REPRODUCED, ()
    unclear = [f"{it.title}: {it.why}" for it in seen if it.holds is Holds.UNKNOWN]
    missing = [f"not seen: {it.title}: {it.why}" for it in seen if it.holds is Holds.NO]
    if bug is Holds.UNKNOWN or (fine is None and unclear):
        return Verdict.UNKNOWN, tuple(unclear)
    if fine in (None, Holds.YES):
        return Verdict.NOT_REPRODUCED, tuple(missing)
    neither = [f"nor otherwise: {it.title}: {it.why}" for it in otherwise if it.holds is not Holds.YES]
    return Verdict.UNKNOWN, (*missing, *neither)
