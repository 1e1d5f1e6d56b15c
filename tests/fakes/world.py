"""A lab that is up as far as labgen can see, for what is done to labs that run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labgen.actions import checkpoint as actions
from labgen.actions.phases.base import UpRequest
from labgen.actions.phases.machines import LabMachines
from labgen.actions.session.checkpoints import version_now
from labgen.actions.session.open import LabRequest, OpenLab, existing_lab, lab_of
from labgen.actions.session.vagrant import vagrant_of
from labgen.checkpoint import Checkpoint, CheckpointStore, LabVersion
from labgen.images.machines import machines_of
from labgen.plan import build_plan
from labgen.provision import Journal, step_digests
from labgen.render.folder import write_folder
from labgen.render.lab import render_lab
from tests.fakes.provider import FakeProvider, FakeSnapshotter
from tests.fakes.reporter import Heard


class ClusterState:
    """Rendered, all its steps done, its machines words."""

    name = "etcd-patroni-ops"

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
        monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [])
        self.snapshotter = FakeSnapshotter()
        self.provider = FakeProvider(self.snapshotter)
        monkeypatch.setattr(actions, "get_provider", lambda _name: self.provider)
        self.heard = Heard()
        opened = lab_of(LabRequest("etcd-patroni-ops", provider="docker"), make=True)
        opened.save()
        self.folder = opened.folder
        self.folder.known_hosts.write_text("node1 ssh-ed25519 AAAA\n")
        self.render(opened)
        self.finish()

    @property
    def opened(self) -> OpenLab:
        return existing_lab(self.name)

    @property
    def store(self) -> CheckpointStore:
        return CheckpointStore(self.name, self.folder.checkpoints, self.folder.restoring)

    def forget(self) -> None:
        """No checkpoint was ever made, and all nodes run."""
        shutil.rmtree(self.folder.checkpoints, ignore_errors=True)
        self.folder.restoring.unlink(missing_ok=True)
        self.snapshotter = self.provider.snapshotter = FakeSnapshotter()
        self.provider.word = {}

    @property
    def version(self) -> LabVersion:
        return version_now(self.opened)

    def render(self, opened: OpenLab) -> None:
        machines = machines_of(opened.lab, baked=True)
        secrets = opened.folder.secrets(opened.lab)
        plan = build_plan(opened.lab)
        write_folder(render_lab(opened.lab, plan, secrets, opened.folder.keys(), machines), self.folder.rendered)

    def finish(self, *without: str) -> None:
        """All steps are done, but for the start of the components WITHOUT."""
        plan = build_plan(self.opened.lab)
        digests = step_digests(plan, self.folder.rendered)
        journal = Journal(self.folder.journal)
        for step in plan.steps:
            journal.done(step.id, digests[step.id])
        journal.forget([step.id for step in plan.of_stage("start") if step.id.component in without])
        journal.close()

    def save(self, name: str = "well", *, force: bool = False, verify: bool = False) -> Checkpoint:
        return actions.save(self.name, name, self.heard, force=force, verify=verify)

    def request(self, restore: str | None = None) -> UpRequest:
        opened = self.opened
        return UpRequest(
            opened=opened,
            plan=build_plan(opened.lab),
            machines=LabMachines(opened.lab, self.provider, vagrant_of(opened)),
            reporter=self.heard,
            cache=Path("/"),
            restore=restore,
        )
