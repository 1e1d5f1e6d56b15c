"""`render`: the lab as a folder that works without labgen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from labgen.actions.session.open import LabRequest, lab_of
from labgen.artefacts import ArtefactStore
from labgen.artefacts.link import link_into
from labgen.images.machines import machines_of
from labgen.plan import build_plan
from labgen.render.folder import claim, write_folder
from labgen.render.lab import render_lab
from labgen.state import cache_folder
from labgen.state.secrets import keep_keys, keep_secrets

SECRETS = "secrets.json"


def render(
    request: LabRequest, target: Path, *, artefacts: bool = True, progress: Callable[[str], None] = lambda _: None
) -> int:
    """Write the lab into TARGET; returns how many files were written or changed.

    Secrets and key of an earlier render stay.

    Raises UsageError when TARGET holds something else, ArtefactError when an artefact cannot be had.
    """
    opened = lab_of(replace(request, baked=None))
    lab, baked = opened.lab, request.baked is not False
    claim(target)
    found: dict[str, Path] = {}
    if artefacts:
        found = ArtefactStore(cache_folder() / "artefacts").ensure_all(lab.components.values(), progress)
    missing = () if artefacts else tuple(sorted({name for names in lab.artefact_names.values() for name in names}))
    rendered = render_lab(
        lab,
        build_plan(lab),
        keep_secrets(target / SECRETS, lab),
        keep_keys(target, lab.name),
        machines_of(lab, baked=baked),
        missing_artefacts=missing,
    )
    written = write_folder(rendered, target)
    link_into(target / "artefacts", found)
    return len(written)
