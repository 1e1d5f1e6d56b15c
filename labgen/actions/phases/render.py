"""Render: the lab's folder, as `labgen render` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from labgen.actions.phases.base import Rendering, UpRequest
from labgen.artefacts.link import link_into
from labgen.images.machines import machines_of
from labgen.render.folder import write_folder
from labgen.render.lab import render_lab


@dataclass(frozen=True)
class Render:
    name: ClassVar[str] = "render"
    title: ClassVar[str] = "Render"

    request: UpRequest
    artefacts: Mapping[str, Path]

    def run(self) -> Rendering:
        request, folder = self.request, self.request.folder
        secrets = folder.secrets(request.lab)
        machines = machines_of(request.lab, baked=request.opened.record.baked)
        machines = replace(machines, boot_timeout=int(request.vagrant_timeout))
        files = render_lab(request.lab, request.plan, secrets, folder.keys(), machines)
        write_folder(files, folder.rendered)
        link_into(folder.rendered / "artefacts", self.artefacts)
        return Rendering(files, secrets, machines.baked)
