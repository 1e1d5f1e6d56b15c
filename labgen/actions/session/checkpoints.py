"""A lab's checkpoints: their records, whether one is whole, and the version that the lab is of now."""

from __future__ import annotations

import tempfile
from pathlib import Path

from labgen.actions.session.open import OpenLab
from labgen.checkpoint import Checkpoint, CheckpointStore, LabVersion, version_of
from labgen.errors import OperationError
from labgen.images.machines import machines_of
from labgen.plan import Plan, StepId, build_plan
from labgen.providers import Snapshotter
from labgen.provision import step_digests
from labgen.render.lab import render_lab
from labgen.render.model import Rendered


def store_of(opened: OpenLab) -> CheckpointStore:
    """The records of the lab's checkpoints."""
    return CheckpointStore(opened.lab.name, opened.folder.checkpoints, opened.folder.restoring)


def refuse_incomplete(opened: OpenLab, snapshotter: Snapshotter, found: Checkpoint) -> None:
    """Raise OperationError if something that FOUND needs is gone from the provider."""
    gone = missing(opened, snapshotter, found)
    if gone:
        raise OperationError(
            f"the checkpoint {found.name} is not whole: what it kept of {', '.join(gone)} is gone",
            where=opened.lab.name,
            cure=f"labgen checkpoint delete {opened.lab.name} {found.name}; with libvirt it goes with the machine",
        )


def missing(opened: OpenLab, snapshotter: Snapshotter, found: Checkpoint) -> list[str]:
    """The lab's nodes of which FOUND has nothing any more."""
    kept = snapshotter.kept(opened.lab).get(found.snapshot_id, frozenset())
    return sorted(node.name for node in opened.lab.nodes if node.name not in kept)


def digests_now(opened: OpenLab) -> tuple[Plan, dict[StepId, str]]:
    """The lab's plan, and its steps' digests as `up` would find them now; nothing of the lab is written for that."""
    lab, folder, plan = opened.lab, opened.folder, build_plan(opened.lab)
    machines = machines_of(lab, baked=opened.record.baked)
    rendered = render_lab(lab, plan, folder.secrets(lab), folder.keys(), machines)
    with tempfile.TemporaryDirectory(dir=folder.path, prefix=".version-") as place:
        _write(rendered, Path(place))
        artefacts = folder.rendered / "artefacts"
        (Path(place) / "artefacts").symlink_to(artefacts)
        names = {
            component: [name for name in files if (artefacts / name).is_file()]
            for component, files in lab.artefact_names.items()
        }
        return plan, step_digests(plan, Path(place), names)


def version_now(opened: OpenLab) -> LabVersion:
    return version_of(opened.lab, digests_now(opened)[1])


def _write(rendered: Rendered, place: Path) -> None:
    for path, file in rendered.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(file.text)
