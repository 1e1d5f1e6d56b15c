"""Bake: the images that new nodes boot from; a vendor's box is Vagrant's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from labgen.actions.cache.images import build_missing
from labgen.actions.phases.base import UpRequest
from labgen.images import ImageSpec
from labgen.images.machines import image_specs


@dataclass(frozen=True)
class Bake:
    name: ClassVar[str] = "bake"
    title: ClassVar[str] = "Bake images"

    request: UpRequest
    artefacts: Mapping[str, Path]

    def work(self) -> tuple[ImageSpec, ...] | None:
        """The images of the nodes that do not exist yet.

        A machine that exists goes on with the disk it has; its steps tell what of them has changed since.
        """
        new = self.request.machines.new()
        specs = image_specs(self.request.lab, baked=self.request.opened.record.baked)
        return tuple(spec for node, spec in specs.items() if node in new) or None

    def run(self, work: tuple[ImageSpec, ...]) -> None:
        request = self.request
        logs, progress = request.folder.logs / "images", request.reporter.progress
        build_missing(work, self.artefacts, request.cache, logs, progress, offline=request.offline)
