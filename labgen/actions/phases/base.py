"""What every phase is given, and the one place where phases are skipped and reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar

from labgen.actions.phases.machines import LabMachines
from labgen.actions.session.open import OpenLab
from labgen.actions.session.reporter import Reporter
from labgen.lab.model import Lab
from labgen.plan.model import Plan
from labgen.providers import Provider
from labgen.render.model import Rendered
from labgen.state import LabFolder

Work = TypeVar("Work")
Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True)
class UpRequest:
    """What is to be done to which lab; known before the first phase, and the same for all.

    offline: nothing may be fetched. boot_timeout: seconds that a machine may take to answer, if not as many as its
    provider says. subset: the steps to be done, if not all of the plan's; such a lab is not verified. restore: the
    checkpoint that the lab is brought back to first.
    """

    opened: OpenLab
    plan: Plan
    machines: LabMachines
    reporter: Reporter
    cache: Path
    offline: bool = False
    boot_timeout: float | None = None
    subset: Plan | None = None
    restore: str | None = None

    @property
    def lab(self) -> Lab:
        return self.opened.lab

    @property
    def folder(self) -> LabFolder:
        return self.opened.folder

    @property
    def provider(self) -> Provider:
        return self.machines.provider

    @property
    def wanted(self) -> Plan:
        """The steps to be done."""
        return self.plan if self.subset is None else self.subset

    @property
    def vagrant_timeout(self) -> float:
        """Seconds that Vagrant may wait for one machine."""
        return self.boot_timeout or self.provider.boot_timeout(len(self.lab.nodes))

    @property
    def ssh_timeout(self) -> float:
        """Seconds that a node may take to answer SSH once its machine runs."""
        return self.boot_timeout or self.provider.ssh_timeout(len(self.lab.nodes))


@dataclass(frozen=True)
class Rendering:
    """The lab's folder, written. baked: whether the images of its machines hold the install stage."""

    files: Rendered
    secrets: Mapping[str, Mapping[str, str]]
    baked: bool


class Phase(Protocol[Result_co]):
    """A part of `up`: an object that is made of what it needs from those before it, with what comes of it as result.

    name: for programs, as in event lines. title: for people.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    def run(self) -> Result_co: ...


class OptionalPhase(Protocol[Work, Result_co]):
    """One that may have nothing to do."""

    name: ClassVar[str]
    title: ClassVar[str]

    def work(self) -> Work | None:
        """What there is to do now, which `run` is given; None if there is nothing."""

    def run(self, work: Work) -> Result_co: ...


def run_phase(phase: Phase[Result_co], reporter: Reporter) -> Result_co:
    """Run PHASE."""
    reporter.phase(phase.title, phase.name)
    return phase.run()


def run_if_needed(phase: OptionalPhase[Work, Result_co], reporter: Reporter) -> Result_co | None:
    """Run PHASE if it has work; without any, nobody hears of it, and the result is None."""
    work = phase.work()
    if work is None:
        return None
    reporter.phase(phase.title, phase.name)
    return phase.run(work)
