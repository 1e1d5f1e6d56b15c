"""Preflight: is this machine ready for this lab? Asked before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.actions.phases.base import UpRequest
from labgen.errors import HostError
from labgen.host.capacity import check_disk, check_memory
from labgen.providers import address_conflicts


@dataclass(frozen=True)
class Preflight:
    name: ClassVar[str] = "preflight"
    title: ClassVar[str] = "Preflight"

    request: UpRequest

    def run(self) -> None:
        problems = self.request.provider.problems()
        if problems:
            raise problems[0] if len(problems) == 1 else _together(problems)
        states = set(self.request.machines.states.values())
        if states != {"running"}:
            self._check_room(states)
        # From here on there is a lab: one that `status` shows and `destroy` removes, however `up` ends.
        self.request.opened.save()

    def _check_room(self, states: set[str]) -> None:
        lab = self.request.lab
        conflicts = address_conflicts(lab)
        if conflicts:
            raise conflicts[0]
        if "running" not in states:
            check_memory(self.request.provider.memory_needed(lab))
        if states == {"absent"}:
            check_disk(self.request.cache, images=0, nodes=len(lab.nodes))
            # Said while there is still time to think again, and not at each `up` of a lab that one has.
            for weakness in lab.weaknesses:
                self.request.reporter.note(f"warning: {weakness}")


def _together(problems: list[HostError]) -> HostError:
    detail = [f"{problem.what}: {problem.cure}" if problem.cure else problem.what for problem in problems]
    return HostError("this machine is not ready", detail=detail, cure="labgen doctor shows all that is looked at")
