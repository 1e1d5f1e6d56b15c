"""All nodes' entries in one order, by one clock: the controller's, with which each node's was compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from labgen.bundle.entries import Entry, StepRecord, shown


@dataclass(frozen=True)
class Clock:
    """A node's clock. offset: seconds to add to it to get the controller's; error: how wrong that may be at most.

    steps: where it was set while it ran. zone: seconds that its local time is ahead of UTC.
    """

    offset: float
    error: float
    zone: float = 0.0
    steps: tuple[StepRecord, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """Entries in order; their times are the controller's. silent: nodes that are not in it → why."""

    entries: Sequence[Entry]
    clocks: Mapping[str, Clock]
    silent: Mapping[str, str]

    @property
    def doubt(self) -> float:
        """Seconds by which two entries of different nodes have to be apart to be surely in the right order."""
        errors = sorted((clock.error for clock in self.clocks.values()), reverse=True)
        return sum(errors[:2])

    def lines(self) -> Iterator[str]:
        """It as text, with what has to be known of the clocks at the beginning."""
        yield "# The logs of all nodes on one clock: that of the machine that made this bundle, in UTC."
        for node, clock in self.clocks.items():
            yield f"# {node}: {clock.offset:+.6f} s added to its own clock, which may be wrong by {clock.error:.6f} s"
            for step in clock.steps:
                at = shown(step.at + clock.offset)
                yield f"#   its clock was set by {step.by:+.3f} s at {at}: what it wrote before is not corrected"
        for node, why in self.silent.items():
            yield f"# {node} is not in here: {why}"
        if len(self.clocks) > 1:
            yield f"# What two nodes wrote within {self.doubt:.6f} s of each other may stand in the wrong order."
        width = max(map(len, self.clocks), default=0)
        for entry in self.entries:
            yield line_of(entry, width)


def merged(
    entries: Mapping[str, Iterable[Entry]], clocks: Mapping[str, Clock], silent: Mapping[str, str] | None = None
) -> Timeline:
    """The entries of all nodes that have a clock, in one order."""
    corrected = [
        replace(entry, at=entry.at + clocks[node].offset) for node in clocks for entry in entries.get(node, ())
    ]
    return Timeline(sorted(corrected, key=lambda entry: entry.at), clocks, silent or {})


def line_of(entry: Entry, width: int = 0) -> str:
    """ENTRY as text; a message of several lines goes on below, further to the right."""
    head = f"{shown(entry.at)} {entry.node:<{width}} {entry.process}: "
    first, *more = entry.text.split("\n")
    return "\n".join([head + first, *(f"    {line}" for line in more)])
