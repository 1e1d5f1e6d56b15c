"""The first line of a drill's log: which drill was played on what, and what the timers said beforehand."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from labgen.blueprint.drills import Drill
from labgen.drill.judge.predict import Span


class PathAbout(BaseModel):
    """A path under load. predicted: the longest outage by the timers, None where they say nothing."""

    model_config = ConfigDict(frozen=True)

    name: str
    summary: str = ""
    reads: bool = False
    predicted: Span | None = None


class LogBegin(BaseModel):
    """Field by field as it stands in the log, in its order; what an older log lacks is None or empty.

    interval, deadline, connect_timeout, observe: seconds, of the load and of those who watch who leads.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1]
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
    interval: int | float | None = None
    deadline: int | float | None = None
    connect_timeout: int | float | None = None
    observe: int | float | None = None
    paths: tuple[PathAbout, ...] = ()

    def path(self, name: str) -> PathAbout:
        """What is said of the path NAME."""
        return next(about for about in self.paths if about.name == name)
