"""Whether conditions hold: yes, no, or not to be found out; and what follows for the bug."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labgen.checks import Evidence
from labgen.checks.context import Unknown
from labgen.repro.context import Recorder, TryContext, reached
from labgen.repro.model_conditions import Condition, Question
from labgen.repro.questions import ask
from labgen.repro.words import condition_title
from labgen.system.waiting import last_look


class Ternary(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ReproVerdict(StrEnum):
    """What a try says about the bug."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not-reproduced"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ConditionResult:
    """A condition, whether it holds, what was found, and all that this rests on."""

    title: str
    holds: Ternary
    why: str
    evidence: tuple[Evidence, ...]


def judge(condition: Condition, scene: TryContext, ends: float) -> ConditionResult:
    """CONDITION as it is now; nothing is asked after the monotonic time ENDS."""
    witness = Recorder(scene, ends)
    holds, why = _judge(condition, witness)
    return ConditionResult(condition_title(condition), holds, scene.hide(why), tuple(witness.evidence))


def _judge(condition: Condition, witness: Recorder) -> tuple[Ternary, str]:
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


def _ask(question: Question, witness: Recorder) -> tuple[Ternary, str]:
    """QUESTION on each node that it is about: it holds if it does on all of them."""
    try:
        nodes = reached(lambda: witness.scene.find(question.on))
    except Unknown as why:
        return Ternary.UNKNOWN, str(why)
    found: list[tuple[Ternary, str]] = []
    for node in nodes:
        try:
            answer = ask(witness, node, question)
        except Unknown as why:
            found.append((Ternary.UNKNOWN, str(why)))
        else:
            found.append((Ternary.YES if answer.holds else Ternary.NO, f"{node.name}: {answer.why}"))
    holds = every(one for one, _ in found)
    return holds, "; ".join(why for one, why in found if one is holds)


def every(parts: Iterable[Ternary]) -> Ternary:
    """A no decides; what is not known weighs more than what is."""
    given = set(parts)
    return Ternary.NO if Ternary.NO in given else Ternary.UNKNOWN if Ternary.UNKNOWN in given else Ternary.YES


def either(parts: Iterable[Ternary]) -> Ternary:
    """A yes decides."""
    return negated(every(negated(part) for part in parts))


def negated(holds: Ternary) -> Ternary:
    return {Ternary.YES: Ternary.NO, Ternary.NO: Ternary.YES}.get(holds, Ternary.UNKNOWN)


def judge_all(
    seen: Sequence[Condition], otherwise: Sequence[Condition], scene: TryContext, within: float, poll: float
) -> tuple[tuple[ConditionResult, ...], tuple[ConditionResult, ...]]:
    """SEEN and OTHERWISE, looked at until all of the one or all of the other hold, for WITHIN seconds at most."""
    ends = time.monotonic() + within

    def look() -> tuple[tuple[ConditionResult, ...], tuple[ConditionResult, ...]]:
        # What may take long is asked to the end, so that the last look is a whole one.
        one = tuple(judge(condition, scene, ends + within) for condition in seen)
        other = tuple(judge(condition, scene, ends + within) for condition in otherwise)
        return one, other

    def decided(groups: Iterable[Sequence[ConditionResult]]) -> bool:
        return any(group and every(it.holds for it in group) is Ternary.YES for group in groups)

    # A look that would begin when the time is over is none.
    return last_look(look, decided, within - poll, poll=poll)


def verdict_on(
    trouble: str | None, seen: Sequence[ConditionResult], otherwise: Sequence[ConditionResult]
) -> tuple[ReproVerdict, tuple[str, ...]]:
    """What follows, with the reasons. TROUBLE: why the actions did not go as they should, if they did not."""
    if trouble:
        return ReproVerdict.UNKNOWN, (trouble,)
    bug = every(it.holds for it in seen)
    fine = every(it.holds for it in otherwise) if otherwise else None
    if bug is Ternary.YES and fine is Ternary.YES:
        return ReproVerdict.UNKNOWN, ("'seen' and 'otherwise' hold both: these conditions do not tell the two apart",)
    if bug is Ternary.YES:
        return ReproVerdict.REPRODUCED, ()
    unclear = [f"{it.title}: {it.why}" for it in seen if it.holds is Ternary.UNKNOWN]
    missing = [f"not seen: {it.title}: {it.why}" for it in seen if it.holds is Ternary.NO]
    if bug is Ternary.UNKNOWN or (fine is None and unclear):
        return ReproVerdict.UNKNOWN, tuple(unclear)
    if fine in (None, Ternary.YES):
        return ReproVerdict.NOT_REPRODUCED, tuple(missing)
    neither = [f"nor otherwise: {it.title}: {it.why}" for it in otherwise if it.holds is not Ternary.YES]
    return ReproVerdict.UNKNOWN, (*missing, *neither)
