"""How each kind of action is done."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labgen.checks.context import complaint
from labgen.cluster.state import ClusterState
from labgen.errors import LabgenError
from labgen.faults.injector import FaultInjector
from labgen.faults.registry import find_fault
from labgen.faults.targets import find_targets
from labgen.lab.model import Node
from labgen.operations import Patroni, leader_of
from labgen.operations.patroni import PASSWORD
from labgen.repro.context import Recorder, TryContext, as_user, reached
from labgen.repro.judge import ConditionResult, Ternary, judge
from labgen.repro.model_actions import (
    Action,
    FaultAction,
    HealAction,
    RestAction,
    RunAction,
    SqlAction,
    SwitchoverAction,
    WaitAction,
)
from labgen.repro.questions import http_answer, sql
from labgen.repro.targets import NOW
from labgen.repro.words import condition_title
from labgen.system.connection import CommandResult
from labgen.system.waiting import last_look

POLL = 0.5
"""Seconds between two looks at something that is waited for."""
GOOD = range(200, 300)


class ActionFailed(Exception):
    """An action that did not go as it should, and why."""


@dataclass(frozen=True)
class ActionContext:
    """What actions work with. HEAL undoes what the injector did, and gives back what did not work."""

    scene: TryContext
    injector: FaultInjector
    heal: Callable[[], list[LabgenError]]
    say: Callable[[str], None]


def do(action: Action, hands: ActionContext, witness: Recorder) -> ConditionResult | None:
    """Do ACTION; what was waited for, if it was that. Raises ActionFailed, or Unknown where nobody answers."""
    return _KINDS[type(getattr(action, action.kind))](hands, witness, getattr(action, action.kind))


def _run(hands: ActionContext, witness: Recorder, action: RunAction) -> None:
    for node in reached(lambda: hands.scene.find(action.on)):
        command = as_user(hands.scene, node, action.user, action.command)
        done = witness.ask(node, command, shown=action.command, within=action.within)
        if action.exit not in ("any", done.rc):
            raise ActionFailed(_failed(node, done) + ("" if action.exit == 0 else f", not {action.exit}"))


def _sql(hands: ActionContext, witness: Recorder, action: SqlAction) -> None:
    for node in reached(lambda: hands.scene.find(action.on)):
        done = sql(witness, node, action.statement, action.database, action.through, action.within)
        if done.rc != 0:
            raise ActionFailed(_failed(node, done))


def _rest(hands: ActionContext, witness: Recorder, action: RestAction) -> None:
    for node in reached(lambda: hands.scene.find(action.on)):
        url = shlex.quote(f"http://{node.address}:8008{action.path}")
        method = "--head" if action.method == "HEAD" else f"--request {action.method}"
        body = None if action.body is None else json.dumps(action.body)
        data = "" if body is None else " --data @- --header 'Content-Type: application/json'"
        options = f"--silent --show-error --max-time {action.within:g} --config {PASSWORD} {method}{data}"
        shown = f"curl {method} {url}" + ("" if body is None else f" --data {shlex.quote(body)}")
        command = f"curl {options} --write-out '\\n%{{http_code}}' {url}"
        done = witness.ask(node, command, shown=shown, stdin=body, within=action.within + 20)
        if done.rc != 0:
            raise ActionFailed(_failed(node, done))
        text, code = http_answer(witness, done)
        wanted = str(action.status) if action.status is not None else "2xx"
        if not (code == wanted or (action.status is None and code.isdecimal() and int(code) in GOOD)):
            raise ActionFailed(
                f"{node.name}: {action.method} {action.path} is answered with {code}, not {wanted}: {text}"
            )


def _switchover(hands: ActionContext, _witness: Recorder, action: SwitchoverAction) -> None:
    scene = hands.scene
    ends = time.monotonic() + action.within
    patroni = Patroni(scene.lab, scene.nodes, action.within)
    try:
        old = leader_of(patroni.view(), scene.lab.name).name
        new = reached(lambda: scene.find(action.to))[0].name
        if new == old:
            raise ActionFailed(f"{new} leads already")
        members = {"leader": patroni.member(old), "candidate": patroni.member(new)}
        answer = patroni.post(old, "switchover", members, action.within)
    except LabgenError as why:
        raise ActionFailed(why.what) from why
    hands.say(answer)

    def leader() -> str:
        try:
            member = patroni.view().leader
        except LabgenError as why:
            return why.what
        return "nobody" if member is None else member.name

    found = last_look(leader, lambda name: name == new, ends - time.monotonic(), poll=POLL)
    if found != new:
        raise ActionFailed(f"after {action.within:g} s {new} does not lead: {found} does; Patroni said: {answer}")


def _fault(hands: ActionContext, _witness: Recorder, action: FaultAction) -> None:
    fault, scene = find_fault(action.fault), hands.scene
    word = action.target or fault.target
    try:
        cluster = scene.cluster or ClusterState(scene.lab, leader="", timeline=0, replicas=())
        if word.endswith(NOW):
            cluster = scene.look()
        targets = find_targets(word.removesuffix(NOW), cluster)
        fault.refuse(cluster, targets)
        injections = [
            (name, injection)
            for name in targets
            for injection in fault.plan(cluster, scene.lab.node(name), fault.chosen(action.values))
        ]
        for name, injection in injections:
            hands.injector.do(injection, fault.title, name)
    except LabgenError as why:
        raise ActionFailed(why.what) from why


def _heal(hands: ActionContext, _witness: Recorder, _action: HealAction) -> None:
    if failed := hands.heal():
        raise ActionFailed("not everything could be healed: " + "; ".join(why.what for why in failed))


def _wait(hands: ActionContext, _witness: Recorder, action: WaitAction) -> ConditionResult:
    title = condition_title(action.until)
    ends = time.monotonic() + action.within

    def look() -> ConditionResult:
        # One question more than there is time for: what it waits for may come to pass in it.
        return judge(action.until, hands.scene, ends + action.within)

    judged = last_look(
        look,
        lambda it: it.holds is Ternary.YES,
        action.within - POLL,
        poll=POLL,
        on_tick=lambda it: hands.say(f"waiting until {title}: {it.why}"),
    )
    if judged.holds is not Ternary.YES:
        raise WaitTimedOut(f"after {action.within:g} s not yet: {title}: {judged.why}", judged)
    return judged


class WaitTimedOut(ActionFailed):
    """A wait that ran out, and what was there at its end."""

    def __init__(self, what: str, judged: ConditionResult) -> None:
        super().__init__(what)
        self.judged = judged


_KINDS: dict[type, Callable[[ActionContext, Recorder, Any], ConditionResult | None]] = {
    RunAction: _run,
    SqlAction: _sql,
    RestAction: _rest,
    SwitchoverAction: _switchover,
    FaultAction: _fault,
    HealAction: _heal,
    WaitAction: _wait,
}


def _failed(node: Node, done: CommandResult) -> str:
    return f"{node.name}: {complaint(done)}"
