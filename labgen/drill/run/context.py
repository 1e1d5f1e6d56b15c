"""What a drill is played on, and what it writes down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen.checks.builtin.postgresql import application, local_sql
from labgen.cluster.nodes import Nodes, run
from labgen.drill.judge.logfile import LogFile
from labgen.lab.model import Lab


@dataclass
class DrillContext:
    """What a drill plays on. SEQUENTIAL: its machines are emulated, and bear little at a time."""

    lab: Lab
    secrets: Mapping[str, Mapping[str, str]]
    nodes: Nodes
    folder: Path
    progress: Callable[[str], None]
    sequential: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """The nodes with Patroni."""
        return tuple(node.name for node in self.lab.member_nodes)

    def sql(self, node: str, statement: str) -> str:
        """What STATEMENT gives in the application's database on NODE, asked as the superuser."""
        database = application(self.lab, self.secrets).database
        return run(self.nodes[node], node, local_sql(statement, database), timeout=60)


@dataclass(frozen=True)
class DrillRecord:
    """A drill's log, whose times count from ZERO on this host's monotonic clock."""

    log: LogFile
    zero: float

    @property
    def now(self) -> float:
        """Seconds since the drill began."""
        return round(time.monotonic() - self.zero, 4)

    def span(self, event: str, name: str, title: str, targets: Sequence[str], start: float, **more: object) -> None:
        """Something that was done to TARGETS from START until now."""
        self.log.add(event, t_start=start, t_end=self.now, name=name, title=title, targets=list(targets), **more)
