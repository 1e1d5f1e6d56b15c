"""What a reproduction may ask: the conditions in its document."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from labgen.components.manifest import Name, Pattern, Scalar, Strict
from labgen.repro.model_parts import Exit, Number, Port, Status, Text, UrlPath, User, Within, exactly_one, kind_of


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
        exactly_one(self)
        return self

    @property
    def kind(self) -> str:
        return kind_of(self)

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions that this one is put together from; none if it is a question."""
        return self.all or self.any or ((self.not_,) if self.not_ else ())

    @property
    def question(self) -> Question | None:
        return self.output or self.log or self.http or self.process or self.rows or self.timeline


Question = Output | LogLines | Http | Process | Rows | TimelineCondition
