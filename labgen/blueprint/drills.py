"""What a drill may say, in a blueprint or in a file of its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from labgen.components.manifest import Name, Strict


class FaultStep(Strict):
    """One fault. AFTER: seconds since the one before it. VALUES: what the fault lets one choose, by name."""

    fault: Name
    target: Name | None = None
    after: float = Field(default=0, ge=0, le=120)
    values: dict[Name, float] = {}


class DrillExpectation(Strict):
    """What a drill promises. Outages are the longest gaps between acknowledged writes, in seconds.

    failover: whether another node has to lead before anything is healed; None: it may or may not. outage: at most this,
    on every path, or `timers`: as long as those predict; paths: on a path by its name. lost: acknowledged writes
    that may be missing. two_leaders: seconds in which two nodes may take writes.
    """

    failover: bool | None = None
    outage: Annotated[float, Field(gt=0, le=600)] | Literal["timers"] | None = None
    paths: dict[Name, float] = {}
    recovered_before_heal: tuple[Name, ...] | None = Field(
        default=None,
        alias="held",
        description="paths that have to work again when healing begins (None: all).",
    )
    lost: int = Field(default=0, ge=0)
    two_leaders: float = Field(default=0, ge=0, le=600)


class Drill(Strict):
    """Faults under load, one after the other; HOLD is how many seconds the last one lasts at least before healing."""

    name: Name
    title: str = Field(min_length=1)
    faults: tuple[FaultStep, ...] = Field(min_length=1, max_length=4)
    hold: float = Field(default=0, ge=0, le=180)
    expect: DrillExpectation = Field(default_factory=DrillExpectation)
    why: str = ""
