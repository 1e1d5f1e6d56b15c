"""Restore: the machines as a checkpoint has them; goes on with a restore that was cut off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from labgen.actions.phases.base import UpRequest
from labgen.actions.session.checkpoints import refuse_incomplete, store_of
from labgen.checkpoint import Checkpoint
from labgen.checkpoint.clocks import set_clocks
from labgen.images.machines import machines_of
from labgen.providers import Endpoint, require_snapshotter
from labgen.provision import Connections, Journal
from labgen.render.folder import write_files
from labgen.render.lab import render_lab
from labgen.system.files import write_atomically
from labgen.system.waiting import WaitTimeout, wait_until

POLL = 1.0
"""Seconds between two questions where the machines are."""


@dataclass(frozen=True)
class Restore:
    """Its result is the name of the checkpoint."""

    name: ClassVar[str] = "restore"
    title: ClassVar[str] = "Restore"

    request: UpRequest

    def work(self) -> str | None:
        return self.request.restore or store_of(self.request.opened).under_way()

    def run(self, work: str) -> str:
        request = self.request
        store, snapshotter = store_of(request.opened), require_snapshotter(request.provider, request.lab.name)
        found = store.get(work)
        refuse_incomplete(request.opened, snapshotter, found)
        store.begin_restore(found.name)
        request.reporter.note(f"{request.lab.name} goes back to {found.name}, saved {found.saved[:19]}Z")
        # Before the machines: if this is cut off, a machine that is made anew is known to have nothing done on it.
        write_atomically(request.folder.journal, found.journal.encode(), 0o600)
        write_atomically(request.folder.known_hosts, found.known_hosts.encode(), 0o644)
        if not snapshotter.live:
            journal = Journal(request.folder.journal)
            journal.forget(step.id for step in request.plan.of_stage("start", "ready"))
            journal.close()
        snapshotter.restore(request.lab, found.snapshot_id, self._boot)
        if snapshotter.live:
            self._set_clocks(found)
        store.end_restore()
        request.machines.refresh()
        return found.name

    def _boot(self, images: Mapping[str, str]) -> None:
        """Vagrant makes the machines from IMAGES; the Render that follows puts the lab's own images back."""
        lab, folder = self.request.lab, self.request.folder
        machines = replace(machines_of(lab, baked=self.request.opened.record.baked), images=images)
        rendered = render_lab(lab, self.request.plan, folder.secrets(lab), folder.keys(), machines)
        of_vagrant = {
            path: file for path, file in rendered.items() if path.partition("/")[0] in ("Vagrantfile", "vagrant")
        }
        write_files(of_vagrant, folder.rendered)
        self.request.machines.vagrant.up((), provider=lab.provider, timeout=self.request.vagrant_timeout)

    def _set_clocks(self, found: Checkpoint) -> None:
        """Where the machines were reached when they were saved: they have the same addresses again."""
        folder, timeout = self.request.folder, self.request.ssh_timeout
        places = {node: Endpoint(*place, folder.key) for node, place in found.hosts.items()}
        self.request.reporter.progress("setting the clocks")
        with Connections(places, folder.known_hosts, timeout=timeout) as connections:
            set_clocks(connections, self.request.lab.name)
        # Only now are the leases of their addresses sure to be renewed, by which Vagrant finds them. If one is not
        # found in time, Provision says so.
        with suppress(WaitTimeout):
            wait_until("address of every machine", lambda: self._found(set(places)), timeout, poll=POLL)

    def _found(self, nodes: Collection[str]) -> bool:
        return set(self.request.machines.endpoints(self.request.folder.key)) >= set(nodes)
