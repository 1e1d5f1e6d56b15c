"""Fetch: artefacts into the cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from labgen.actions.cache.images import artefact_store, refuse_network
from labgen.actions.phases.base import UpRequest


@dataclass(frozen=True)
class Fetch:
    """Its result: the name of each artefact → its file in the cache."""

    name: ClassVar[str] = "fetch"
    title: ClassVar[str] = "Fetch artefacts"

    request: UpRequest

    def run(self) -> dict[str, Path]:
        request = self.request
        if request.offline:
            refuse_network(request.lab, baked=request.opened.record.baked, new=bool(request.machines.new()))
        store = artefact_store(request.lab, request.cache, offline=request.offline)
        return store.ensure_all(request.lab.components.values(), request.reporter.progress)
