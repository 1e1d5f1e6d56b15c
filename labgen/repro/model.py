"""What a reproduction may say. docs/reproductions.md is the same for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from labgen.components.manifest import Name, Pattern, Scalar, Strict
from labgen.documents.problem import Loc
from labgen.overrides import OverridesDocument
from labgen.wording import must_be

LONGEST = 3600
"""Seconds that anything may be given."""

Within = Annotated[float, Field(gt=0, le=LONGEST)]


def _exit(value: object) -> object:
    if value == "any" or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255):
        return value
    raise ValueError(must_be("an exit code from 0 to 255, or any", value))


Exit = Annotated[Any, AfterValidator(_exit)]
User = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]*$", max_length=32)]
Text = Annotated[str, Field(min_length=1)]
UrlPath = Annotated[str, Field(pattern=r"^/[^\s]*$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Status = Annotated[int, Field(ge=100, le=599)]
Number = Annotated[int, Field(ge=0)]


# --- conditions -------------------------------------------------------------------------------------------------------


class Output(Strict):
    """What a command on a node does. JSON: path in its output (`members.0.state`) → value."""

    on: Name
    command: Text
    user: User = "root"
    exit: Exit = 0
    matches: Pattern = None
    lacks: Pattern = None
    json_: dict[str, Any] = Field(default={}, alias="json")
    within: Within = 60


class LogLines(Strict):
    """What a unit's journal, or a file, has got since the reproduction began; each line is looked at by itself.

    at_least, at_most: how many lines match.
    """

    on: Name
    unit: Annotated[str, Field(pattern=r"^[A-Za-z0-9:_.@-]+$")] | None = None
    file: Annotated[str, Field(pattern=r"^/")] | None = None
    matches: Pattern = None
    lacks: Pattern = None
    at_least: Annotated[int, Field(ge=1)] = 1
    at_most: Number | None = None
    within: Within = 30

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.unit is None) == (self.file is None):
            raise ValueError("needs either 'unit' or 'file'")
        if self.matches is None and self.lacks is None:
            raise ValueError("needs 'matches' or 'lacks'")
        return self


class Http(Strict):
    """What an HTTP server on a node answers, asked on that node; Patroni's REST API if no port is named."""

    on: Name
    path: UrlPath
    port: Port = 8008
    method: Literal["GET", "HEAD", "OPTIONS"] = "GET"
    status: Status | None = None
    matches: Pattern = None
    lacks: Pattern = None
    json_: dict[str, Any] = Field(default={}, alias="json")
    within: Within = 10

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.status is None and self.matches is None and self.lacks is None and not self.json_:
            raise ValueError("needs 'status', 'matches', 'lacks' or 'json'")
        return self


STATES = {"running": "R", "sleeping": "S", "blocked": "D", "stopped": "T", "zombie": "Z"}
"""A process's state → the letter that `ps` has for it."""


class Process(Strict):
    """The processes of a node whose command line, or name, MATCHES."""

    on: Name
    matches: Annotated[Pattern, Field(min_length=1)]
    running: bool = True
    state: Literal["running", "sleeping", "blocked", "stopped", "zombie"] | None = None
    at_least: Annotated[int, Field(ge=1)] = 1
    at_most: Number | None = None
    within: Within = 30

    @model_validator(mode="after")
    def _is_one_question(self) -> Self:
        if not self.running and {"state", "at_least", "at_most"} & self.model_fields_set:
            raise ValueError("where none is to run there is no state and no number of them")
        return self


class Rows(Strict):
    """What a query gives, as `psql -At` prints it. THROUGH: one of the blueprint's paths, as the application's user."""

    on: Name
    statement: Text
    database: Text | None = None
    through: Name | None = None
    equals: Scalar | tuple[Scalar, ...] | None = None
    at_least: Annotated[int, Field(ge=1)] | None = None
    at_most: Number | None = None
    within: Within = 30

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not {"equals", "at_least", "at_most"} & self.model_fields_set:
            raise ValueError("needs 'equals', 'at_least' or 'at_most'")
        return self


class TimelineCondition(Strict):
    """The timeline that a member is on. GROWN: whether it is a later one than when the reproduction began."""

    on: Name = "leader-now"
    equals: Annotated[int, Field(ge=1)] | None = None
    grown: bool | None = None
    within: Within = 10

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.equals is None and self.grown is None:
            raise ValueError("needs 'equals' or 'grown'")
        return self


class Condition(Strict):
    """One question, or several put together."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    output: Output | None = None
    log: LogLines | None = None
    http: Http | None = None
    process: Process | None = None
    rows: Rows | None = None
    timeline: TimelineCondition | None = None
    all: Annotated[tuple[Condition, ...], Field(min_length=1)] | None = None
    any: Annotated[tuple[Condition, ...], Field(min_length=1)] | None = None
    not_: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _exactly_one(self)
        return self

    @property
    def kind(self) -> str:
        return _kind(self)

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions that this one is put together from; none if it is a question."""
        return self.all or self.any or ((self.not_,) if self.not_ else ())

    @property
    def question(self) -> Question | None:
        return self.output or self.log or self.http or self.process or self.rows or self.timeline


Question = Output | LogLines | Http | Process | Rows | TimelineCondition


# --- actions ----------------------------------------------------------------------------------------------------------


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
        _exactly_one(self)
        return self

    @property
    def kind(self) -> str:
        return _kind(self)


# --- the whole --------------------------------------------------------------------------------------------------------


class Reproduction(Strict):
    """A whole file.

    report: where the bug was reported; fixed: since when it is mended; about: what there is to know, all for readers.
    lab: a blueprint's name, or its path beside this file. until: where the boot of the lab stops, as `up --until`.
    within: seconds in which either all of SEEN or all of OTHERWISE have to come true after the actions.
    """

    name: Name
    title: Text
    report: str = ""
    fixed: str = ""
    about: str = ""
    lab: Text
    profile: Name | None = None
    overrides: OverridesDocument = Field(default_factory=OverridesDocument)
    until: Name | None = None
    repeat: int = Field(default=1, ge=1, le=1000)
    within: Within = 30
    actions: tuple[Action, ...] = Field(min_length=1)
    seen: tuple[Condition, ...] = Field(min_length=1)
    otherwise: tuple[Condition, ...] = ()

    def conditions(self) -> Iterator[tuple[Loc, Condition]]:
        """Every condition, those inside others too, with its place in the document."""
        for index, action in enumerate(self.actions):
            if action.wait:
                yield from _walk(("actions", index, "wait", "until"), action.wait.until)
        for key, conditions in (("seen", self.seen), ("otherwise", self.otherwise)):
            for index, condition in enumerate(conditions):
                yield from _walk((key, index), condition)

    @property
    def longest(self) -> float:
        """Seconds that one try takes at most, all its deadlines together."""
        spans = [getattr(getattr(action, action.kind), "within", 60.0) for action in self.actions]
        return float(sum(spans) + self.within)


def _walk(loc: Loc, condition: Condition) -> Iterator[tuple[Loc, Condition]]:
    yield loc, condition
    if condition.not_:
        yield from _walk((*loc, "not"), condition.not_)
    for key in ("all", "any"):
        for index, part in enumerate(getattr(condition, key) or ()):
            yield from _walk((*loc, key, index), part)


def _kind(value: Action | Condition) -> str:
    name = next(name for name in type(value).model_fields if getattr(value, name) is not None)
    return type(value).model_fields[name].alias or name


def _exactly_one(value: Action | Condition) -> None:
    fields = type(value).model_fields
    given = [field.alias or name for name, field in fields.items() if name in value.model_fields_set]
    if len(given) > 1:
        raise ValueError(f"is one thing at a time, not {' and '.join(given)}: make two of it")
    if not given or all(getattr(value, name) is None for name in fields):
        raise ValueError(f"needs one of {', '.join(field.alias or name for name, field in fields.items())}")
