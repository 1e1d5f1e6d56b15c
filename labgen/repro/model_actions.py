"""What a reproduction may do: the actions in its document."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import ConfigDict, model_validator

from labgen.components.manifest import Name, Strict
from labgen.repro.model_conditions import Condition
from labgen.repro.model_parts import Exit, Status, Text, UrlPath, User, Within, exactly_one, kind_of


class RunAction(Strict):
    """A command, shell text, on a node; it has to end with EXIT."""

    on: Name
    command: Text
    user: User = "root"
    exit: Exit = 0
    within: Within = 60


class SqlAction(Strict):
    """A statement that has to succeed. THROUGH: one of the blueprint's paths, as the application's user."""

    on: Name
    statement: Text
    database: Text | None = None
    through: Name | None = None
    within: Within = 60


class RestAction(Strict):
    """A call of Patroni's REST API on a node, with the lab's password. STATUS: what it has to answer; else any 2xx."""

    on: Name
    path: UrlPath
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"] = "GET"
    body: dict[str, Any] | None = None
    status: Status | None = None
    within: Within = 60


class SwitchoverAction(Strict):
    """The leader hands over to TO, and is not waited for to follow it."""

    to: Name = "replica"
    within: Within = 90


class FaultAction(Strict):
    """A fault, as in a drill; its undo is written down first, and done at the end at the latest."""

    fault: Name
    target: Name | None = None
    values: dict[Name, float] = {}


class HealAction(Strict):
    """What faults did up to here is undone."""


class WaitAction(Strict):
    """Until the condition holds; the reproduction is over if it does not within WITHIN seconds."""

    until: Condition
    within: Within = 60


class Action(Strict):
    """One thing that is done."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    run: RunAction | None = None
    sql: SqlAction | None = None
    rest: RestAction | None = None
    switchover: SwitchoverAction | None = None
    fault: FaultAction | None = None
    heal: HealAction | None = None
    wait: WaitAction | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        exactly_one(self)
        return self

    @property
    def kind(self) -> str:
        return kind_of(self)
