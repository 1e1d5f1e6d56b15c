"""One try of a reproduction: its actions, what is seen then, and healing, whatever comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from labgen.checks import Evidence
from labgen.checks.context import Unknown
from labgen.cluster.nodes import Nodes
from labgen.faults.injector import FaultInjector, heal
from labgen.faults.undo import Undos
from labgen.repro import actions
from labgen.repro.actions import POLL, ActionContext, ActionFailed, WaitTimedOut
from labgen.repro.context import Recorder, TryContext
from labgen.repro.judge import ConditionResult, ReproVerdict, judge_all, verdict_on
from labgen.repro.model import Reproduction
from labgen.repro.words import action_title

AMPLE = 120.0
"""Seconds beyond all deadlines together after which a node heals itself."""


class State(StrEnum):
    DONE = "done"
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Done:
    """One action: when it began, in seconds since the try did, how long it took, and what was seen in it."""

    kind: str
    title: str
    state: State
    why: str = ""
    at: float = 0.0
    seconds: float = 0.0
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One try, with everything that its verdict rests on. unhealed: why something that it broke still is."""

    verdict: ReproVerdict
    reasons: tuple[str, ...]
    started: datetime
    seconds: float
    actions: tuple[Done, ...]
    seen: tuple[ConditionResult, ...]
    otherwise: tuple[ConditionResult, ...]
    unhealed: tuple[str, ...] = ()


def play(document: Reproduction, scene: TryContext, nodes: Nodes, undos: Undos, say: Callable[[str], None]) -> Attempt:
    """One try of DOCUMENT on SCENE, whose NODES it may break for a time. What it cannot heal stays in UNDOS."""
    started = datetime.now(UTC)
    injector = FaultInjector(nodes, undos, dead_man=document.longest + AMPLE)
    hands = ActionContext(scene, injector, lambda: heal(nodes, undos, say), say)
    try:
        done = _do_all(document, hands)
        trouble = next((f"{it.title}: {it.why}" for it in done if it.state is State.FAILED), None)
        say("what is there to see?")
        # Without its actions nothing has to come to pass any more.
        within = POLL if trouble else document.within
        seen, otherwise = judge_all(document.seen, document.otherwise, scene, within, POLL)
        verdict, reasons = verdict_on(trouble, seen, otherwise)
        seconds = round(scene.now, 1)
    finally:
        unhealed = tuple(why.what for why in heal(nodes, undos, say))
    return Attempt(verdict, reasons, started, seconds, done, seen, otherwise, unhealed)


def _do_all(document: Reproduction, hands: ActionContext) -> tuple[Done, ...]:
    """All actions in turn, up to one that fails."""
    done: list[Done] = []
    for number, action in enumerate(document.actions, 1):
        title = action_title(action)
        if done and done[-1].state is not State.DONE:
            done.append(Done(action.kind, title, State.LEFT_OUT))
            continue
        hands.say(f"{number} of {len(document.actions)}: {title}")
        scene, began = hands.scene, time.monotonic()
        at = round(scene.now, 3)
        witness = Recorder(scene, began + 2 * getattr(getattr(action, action.kind), "within", AMPLE))
        state, why = State.DONE, ""
        evidence: tuple[Evidence, ...] = ()
        try:
            if judged := actions.do(action, hands, witness):
                why, evidence = judged.why, judged.evidence
        except WaitTimedOut as overdue:
            state, why, evidence = State.FAILED, scene.hide(str(overdue)), overdue.judged.evidence
        except (ActionFailed, Unknown) as failed:
            state, why = State.FAILED, scene.hide(str(failed))
        seconds = round(time.monotonic() - began, 3)
        done.append(Done(action.kind, title, state, why, at, seconds, (*witness.evidence, *evidence)))
    return tuple(done)
