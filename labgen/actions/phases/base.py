"""What every phase of an action knows, and how a list of phases is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from labgen.actions.cache.lint import LintWork
from labgen.actions.phases.booting import Booting
from labgen.actions.session.open import OpenLab
from labgen.actions.session.reporter import Reporter
from labgen.checkpoint import Checkpoint
from labgen.checks import CheckReport
from labgen.lab.model import Lab
from labgen.plan.model import Plan
from labgen.providers import Provider, Vagrant
from labgen.provision import Connections
from labgen.render.lab import Machines
from labgen.render.model import Rendered
from labgen.state import LabFolder


@dataclass
class Run:
    """One action on one lab: what is given, then what the phases find out for those after them."""

    opened: OpenLab
    plan: Plan
    provider: Provider
    vagrant: Vagrant
    reporter: Reporter
    cache: Path
    # Nothing may be fetched.
    offline: bool = False
    # Seconds that a machine may take to answer, if not as many as its provider says.
    patience: float | None = None
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    artefacts: dict[str, Path] = field(default_factory=dict)
    machines: Machines | None = None
    rendered: Rendered = field(default_factory=dict)
    lint: LintWork | None = None
    # Nodes that this run boots; those of them that did not exist before are new.
    booted: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    # Where the boot goes on beside the phases after it.
    booting: Booting | None = None
    connections: Connections | None = None
    report: CheckReport | None = None
    # The steps to be done, if not all of the plan's; what they leave out that is not done yet, a line each.
    part: Plan | None = None
    left: tuple[str, ...] = ()
    # The checkpoint that this run brings the lab back to; the one that might have been chosen instead of going on.
    restore: str | None = None
    offer: Checkpoint | None = None
    _states: dict[str, str] = field(default_factory=dict)

    @property
    def states(self) -> dict[str, str]:
        """Node → state of its machine, as the provider said when it was asked last."""
        return self._states or self.look()

    def look(self) -> dict[str, str]:
        """The same, asked now: to be called after anything that may have changed a machine."""
        self._states = self.provider.states(self.lab, self.vagrant)
        return self._states

    @property
    def wanted(self) -> Plan:
        """The steps to be done."""
        return self.plan if self.part is None else self.part

    @property
    def boot_timeout(self) -> float:
        """Seconds that Vagrant may wait for one machine."""
        return self.patience or self.provider.boot_timeout(len(self.lab.nodes))

    @property
    def ssh_timeout(self) -> float:
        """Seconds that a node may take to answer SSH once its machine runs."""
        return self.patience or self.provider.ssh_timeout(len(self.lab.nodes))

    @property
    def lab(self) -> Lab:
        return self.opened.lab

    @property
    def folder(self) -> LabFolder:
        return self.opened.folder

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.lab.nodes)


class Phase(Protocol):
    """A part of an action with a title; `needed` is asked just before, so it may look at what came before."""

    title: str

    def needed(self, run: Run) -> bool: ...

    def run(self, run: Run) -> None: ...


def run_phases(phases: Sequence[Phase], run: Run) -> None:
    """Run the phases that are needed, in order.

    At the end, whatever happened, a boot that still goes on is ended and connections are closed.
    """
    try:
        for phase in phases:
            if phase.needed(run):
                run.reporter.phase(phase.title)
                phase.run(run)
    finally:
        if run.booting is not None:
            run.booting.end()
        if run.connections is not None:
            run.connections.close()
