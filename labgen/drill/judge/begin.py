"""The first line of a drill's log: which drill was played on what, and what the timers said beforehand."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from labgen.blueprint.drills import Drill
from labgen.drill.judge.entries import Witness
from labgen.drill.judge.predict import Span

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PROMISED = ("leader", "timeline", "members", "client", "interval", "observe", "paths", "checks", "witnesses")
"""What a log of format 2 says at its beginning, and is held against."""


class PathAbout(BaseModel):
    """A path under load. predicted: the longest outage by the timers, None where they say nothing."""

    model_config = ConfigDict(frozen=True)

    name: str
    summary: str = ""
    reads: bool = False
    predicted: Span | None = None


class LogBegin(BaseModel):
    """Field by field as it stands in the log, in its order; what an older log lacks is None or empty.

    interval, deadline, connect_timeout, observe: seconds, of the load and of those who watch who leads. checks: all
    that the lab has. witnesses: who is asked on each of the members. Format 2 has to have what is PROMISED.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    format: Literal[1, 2]
    lab: str | None = None
    blueprint: str | None = None
    profile: str | None = None
    provider: str | None = None
    versions: dict[str, str] = {}
    started: str | None = None
    drill: Drill
    operations: tuple[str, ...] = ()
    timers: dict[str, Any] = {}
    leader: str | None = None
    timeline: int | None = None
    members: tuple[str, ...] = ()
    vip: str | None = None
    client: str | None = None
    interval: Seconds | None = None
    deadline: Seconds | None = None
    connect_timeout: Seconds | None = None
    observe: Seconds | None = None
    paths: tuple[PathAbout, ...] = ()
    checks: tuple[str, ...] = ()
    witnesses: tuple[Witness, ...] = ()

    @model_validator(mode="after")
    def _promises(self) -> Self:
        if self.format > 1 and (missing := [name for name in PROMISED if not getattr(self, name)]):
            raise ValueError(f"format 2 without {', '.join(missing)}")
        if self.format == 1 and (self.checks or self.witnesses):
            raise ValueError("format 1 with the promises of format 2")
        if self.members and self.leader and self.leader not in self.members:
            raise ValueError("the leader is no member")
        paths = [path.name for path in self.paths]
        if any(len(set(names)) < len(names) for names in (self.members, paths, self.checks, self.witnesses)):
            raise ValueError("a name is there twice")
        return self

    def path(self, name: str) -> PathAbout:
        """What is said of the path NAME."""
        return next(about for about in self.paths if about.name == name)
