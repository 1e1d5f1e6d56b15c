"""A checkpoint in which this very lab was well, named before the lab is provisioned again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from labgen.actions.phases.base import UpRequest
from labgen.actions.session.checkpoints import store_of
from labgen.checkpoint import Checkpoint, differences, version_of
from labgen.plan import StepId
from labgen.provision import Journal, pending_steps, step_digests


@dataclass(frozen=True)
class SuggestCheckpoint:
    """restored: the checkpoint that the lab was brought back to just now; no other one is named then."""

    name: ClassVar[str] = "checkpoints"
    title: ClassVar[str] = "Checkpoints"

    request: UpRequest
    restored: str | None

    def work(self) -> Checkpoint | None:
        if self.restored:
            return None
        request = self.request
        verified = [it for it in store_of(request.opened).all() if it.condition == "verified"]
        snapshotter = request.provider.snapshotter
        if not verified or snapshotter is None:
            return None
        digests = step_digests(request.plan, request.folder.rendered, request.lab.artefact_names)
        if set(request.machines.states.values()) == {"running"} and not self._pending(digests):
            return None
        now, nodes = version_of(request.lab, digests), set(request.machines.nodes)
        kept = snapshotter.kept(request.lab)
        whole = [it for it in verified if nodes <= kept.get(it.snapshot_id, set())]
        fitting = [it for it in whole if not differences(it.version, now)]
        return fitting[-1] if fitting else None

    def run(self, work: Checkpoint) -> None:
        self.request.reporter.note(
            f"the lab as it was verified {work.saved[:19]}Z can be had at once: "
            f"labgen checkpoint restore {self.request.lab.name} {work.name}"
        )

    def _pending(self, digests: Mapping[StepId, str]) -> tuple[StepId, ...]:
        journal = Journal(self.request.folder.journal)
        try:
            return pending_steps(self.request.wanted, digests, journal)
        finally:
            journal.close()
