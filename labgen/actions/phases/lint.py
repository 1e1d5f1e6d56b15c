"""Lint: the rendered files, checked by the programs that will read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.actions.cache.lint import LintWork, lint, lint_work, unpassed
from labgen.actions.phases.base import Rendering, UpRequest


@dataclass(frozen=True)
class Lint:
    name: ClassVar[str] = "lint"
    title: ClassVar[str] = "Lint"

    request: UpRequest
    rendering: Rendering

    def work(self) -> LintWork | None:
        """All that there is to check, unless all of it has passed before."""
        request, folder = self.request, self.request.folder
        whole = lint_work(request.lab, self.rendering.files, folder.rendered, baked=request.opened.record.baked)
        if whole.digest == folder.linted():
            return None
        left = unpassed(whole, self.rendering.secrets, request.cache)
        return whole if left.images or left.unchecked else None

    def run(self, work: LintWork) -> None:
        secrets, cache = self.rendering.secrets, self.request.cache
        for line in lint(unpassed(work, secrets, cache), secrets, cache):
            self.request.reporter.note(line)
        self.request.folder.keep_linted(work.digest)
