"""Verify: the lab's checks, as `labgen verify` runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.actions.phases.base import Rendering, UpRequest
from labgen.checks import CheckReport, run_checks
from labgen.provision import Connections

SETTLE = 60.0
"""Seconds that a check is given right after the steps before its "no" counts."""


@dataclass(frozen=True)
class Verify:
    name: ClassVar[str] = "verify"
    title: ClassVar[str] = "Verify"

    request: UpRequest
    rendering: Rendering
    connections: Connections

    def run(self) -> CheckReport:
        return run_checks(
            self.request.lab,
            self.rendering.secrets,
            self.connections,
            on_result=self.request.reporter.checked,
            settle=SETTLE,
            sequential=self.request.provider.emulated,
        )
