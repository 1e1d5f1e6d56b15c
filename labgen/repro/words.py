"""Actions and conditions in words, for progress, tables and reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

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
from labgen.repro.model_conditions import Condition, Http, LogLines, Output, Process, Rows, TimelineCondition
from labgen.wording import shortened

PATRONI = 8008
JOIN = {"all": " and ", "any": " or "}


def action_title(action: Action) -> str:
    """ACTION in half a sentence."""
    body = getattr(action, action.kind)
    return _ACTIONS[type(body)](body)


def condition_title(condition: Condition) -> str:
    """CONDITION in half a sentence."""
    if condition.not_:
        return f"not ({condition_title(condition.not_)})"
    if condition.parts:
        return JOIN[condition.kind].join(_bracketed(part) for part in condition.parts)
    return _QUESTIONS[type(condition.question)](condition.question)


def _bracketed(condition: Condition) -> str:
    title = condition_title(condition)
    return f"({title})" if condition.parts and not condition.not_ else title


# --- actions ----------------------------------------------------------------------------------------------------------


def _run(it: RunAction) -> str:
    return f"{it.on}: {_command(it.command)}"


def _sql(it: SqlAction) -> str:
    return f"{it.on}: SQL {_command(it.statement)}{_through(it.through)}"


def _rest(it: RestAction) -> str:
    body = "" if it.body is None else f" {shortened(json.dumps(it.body))}"
    return f"{it.on}: {it.method} {it.path}{body}"


def _switchover(it: SwitchoverAction) -> str:
    return f"switchover to {it.to}"


def _fault(it: FaultAction) -> str:
    return f"fault {it.fault}" + (f" on {it.target}" if it.target else "")


def _heal(_: HealAction) -> str:
    return "heal"


def _wait(it: WaitAction) -> str:
    return f"wait until {condition_title(it.until)}"


# --- questions --------------------------------------------------------------------------------------------------------


def _output(it: Output) -> str:
    wanted = [] if it.exit in (0, "any") else [f"exit {it.exit}"]
    wanted += [*_text(it.matches, it.lacks), *_values(it.json_)]
    return f"{it.on}: {_command(it.command)} {', '.join(wanted or ['succeeds'])}"


def _log(it: LogLines) -> str:
    return f"{it.on}: log of {it.unit or it.file} {', '.join(_text(it.matches, it.lacks) + _number(it, 'line'))}"


def _http(it: Http) -> str:
    wanted = [] if it.status is None else [f"status {it.status}"]
    wanted += [*_text(it.matches, it.lacks), *_values(it.json_)]
    port = "" if it.port == PATRONI else f":{it.port}"
    return f"{it.on}: {it.method} {port}{it.path} {', '.join(wanted)}"


def _process(it: Process) -> str:
    what = f"process {_pattern(it.matches)}"
    return (
        f"{it.on}: {what} {', '.join([it.state or 'running', *_number(it, 'process')])}"
        if it.running
        else f"{it.on}: no {what}"
    )


def _rows(it: Rows) -> str:
    wanted = [f"gives {_value(it.equals)}"] if "equals" in it.model_fields_set else []
    wanted += [f"gives {words}" for words in _between(it.at_least, it.at_most, "row")]
    return f"{it.on}: SQL {_command(it.statement)}{_through(it.through)} {', '.join(wanted)}"


def _timeline(it: TimelineCondition) -> str:
    wanted = [] if it.equals is None else [f"is {it.equals}"]
    if it.grown is not None:
        wanted.append("has grown" if it.grown else "has not grown")
    return f"{it.on}: timeline {', '.join(wanted)}"


_ACTIONS: dict[type, Callable[[Any], str]] = {
    RunAction: _run,
    SqlAction: _sql,
    RestAction: _rest,
    SwitchoverAction: _switchover,
    FaultAction: _fault,
    HealAction: _heal,
    WaitAction: _wait,
}
_QUESTIONS: dict[type, Callable[[Any], str]] = {
    Output: _output,
    LogLines: _log,
    Http: _http,
    Process: _process,
    Rows: _rows,
    TimelineCondition: _timeline,
}

# --- small things -----------------------------------------------------------------------------------------------------


def _command(text: str) -> str:
    return f"`{shortened(' '.join(text.split()))}`"


def _pattern(pattern: str | None) -> str:
    return f"/{shortened(pattern or '')}/"


def _text(matches: str | None, lacks: str | None) -> list[str]:
    wanted = [f"matches {_pattern(matches)}"] if matches is not None else []
    return wanted + ([f"lacks {_pattern(lacks)}"] if lacks is not None else [])


def _values(values: dict[str, object]) -> list[str]:
    return [f"{path} is {shortened(json.dumps(value))}" for path, value in values.items()]


def _value(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return shortened(", ".join(map(str, value))) or "no row"
    return f"'{shortened(value)}'" if isinstance(value, str) else "''" if value is None else json.dumps(value)


def _number(it: LogLines | Process, noun: str) -> list[str]:
    """How many of them, where that is not just one or more."""
    return _between(None if it.at_least == 1 and it.at_most is None else it.at_least, it.at_most, noun)


def _between(least: int | None, most: int | None, noun: str) -> list[str]:
    def words(number: int) -> str:
        return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"

    if least is not None and least == most:
        return [words(least)]
    return ([] if least is None else [f"at least {words(least)}"]) + (
        [] if most is None else [f"at most {words(most)}"]
    )


def _through(path: str | None) -> str:
    return f" through {path}" if path else ""
