"""Boot: machines that are not running are booted by Vagrant; it ends with the first one, where that can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from labgen.actions.phases.base import UpRequest
from labgen.actions.phases.booting import Booting
from labgen.provision import Journal, forget_host, get_ready
from labgen.system.waiting import FOREVER, wait_until

POLL = 0.05
"""Seconds between two looks for the first machine."""
LATER = 120.0
"""Seconds after which Vagrant, which knows which machine does not answer, should have said so."""


@dataclass(frozen=True)
class BootPlan:
    """The nodes that have to be booted; those of them that do not exist yet are new."""

    nodes: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class BootUnderWay:
    """What Boot began: it goes on beside what comes next, and has to be ended."""

    nodes: tuple[str, ...]
    new: tuple[str, ...]
    booting: Booting


@dataclass(frozen=True)
class Boot:
    """Its result goes on by itself: it belongs into `ended`."""

    name: ClassVar[str] = "boot"
    title: ClassVar[str] = "Boot"

    request: UpRequest

    def work(self) -> BootPlan | None:
        machines = self.request.machines
        # Asked again: while images were built, minutes may have passed.
        states = machines.refresh()
        new = machines.new()
        nodes = tuple(node for node, state in states.items() if state != "running" or node in new)
        return BootPlan(nodes, new) if nodes else None

    def run(self, work: BootPlan) -> BootUnderWay:
        request, machines = self.request, self.request.machines
        request.provider.reclaim(request.lab, work.new)
        # Forgotten before the boot, so that an `up` that ends between the two is gone on with rightly.
        journal = Journal(request.folder.journal)
        # A machine that is new has nothing done on it, whatever an earlier one of its name had.
        for node in work.new:
            journal.forget_node(node)
        # A cluster that was down in part has to show that it is ready again: start steps change nothing if it is.
        journal.forget(step.id for step in request.plan.of_stage("start", "ready"))
        journal.close()
        forget_host(request.folder.known_hosts, work.new)
        booting = Booting(lambda: self._vagrant_up(work.nodes), machines.vagrant.interrupt)
        try:
            get_ready()
            if not request.provider.seen_while_booting:
                booting.wait()
            # The first machine can be worked on while Vagrant makes the others.
            wait_until("first machine", lambda: booting.over or machines.running(work.nodes), FOREVER, poll=POLL)
            booting.check()
        except BaseException:
            booting.end()
            raise
        return BootUnderWay(work.nodes, work.new, booting)

    def _vagrant_up(self, nodes: tuple[str, ...]) -> None:
        lab, vagrant = self.request.lab, self.request.machines.vagrant
        every = len(nodes) == len(lab.nodes)
        vagrant.up(() if every else nodes, provider=lab.provider, timeout=self.request.vagrant_timeout + LATER)


@contextmanager
def ended(boot: BootUnderWay | None) -> Iterator[None]:
    """Whatever happens inside, BOOT does not go on afterwards."""
    try:
        yield
    finally:
        if boot is not None:
            boot.booting.end()
