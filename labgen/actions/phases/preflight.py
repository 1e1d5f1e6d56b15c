"""Preflight: is this machine ready for this lab? Asked before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.actions.phases.base import UpRequest
from labgen.actions.session.checkpoints import store_of
from labgen.actions.session.networks import next_range
from labgen.actions.session.owner import refuse_strangers
from labgen.errors import HostError, OperationError
from labgen.host.capacity import check_disk, check_memory
from labgen.providers import address_conflicts, ways_hidden
from labgen.provision import Journal


@dataclass(frozen=True)
class Preflight:
    name: ClassVar[str] = "preflight"
    title: ClassVar[str] = "Preflight"

    request: UpRequest

    def run(self) -> None:
        problems = self.request.provider.problems()
        if problems:
            raise problems[0] if len(problems) == 1 else _together(problems)
        if refused := self.request.provider.refuses(self.request.lab):
            raise refused
        refuse_strangers(self.request.folder, self.request.lab, [self.request.provider])
        self._refuse_forgotten()
        states = set(self.request.machines.states.values())
        if states != {"running"}:
            self._check_room(states)
        # From here on there is a lab: one that `status` shows and `destroy` removes, however `up` ends.
        self.request.opened.save()

    def _refuse_forgotten(self) -> None:
        """Raise OperationError where a machine that has been worked on is there, and Vagrant has lost it.

        It would be made anew, without its data. One that an `up` was cut off from making has a journal, and no step
        but those of its image.
        """
        request = self.request
        if request.restore or store_of(request.opened).under_way():
            return  # the machines are to be made anew
        new = request.machines.new()
        found = [node for node in new if request.machines.states[node] != "absent"]
        if not request.folder.journal.is_file():
            if set(request.machines.states) - set(new):
                request.reporter.note(f"the journal of {request.lab.name} is gone: every step is done again")
        else:
            journal = Journal(request.folder.journal)
            journal.close()
            found = [node for node in found if journal.worked_on(node)]
        if found:
            raise OperationError(
                f"machines of the lab {request.lab.name} are there, and what Vagrant knew of them is gone: "
                f"{', '.join(found)}",
                where=request.folder.rendered / ".vagrant",
                detail=["to make them anew would throw away what is on them"],
                cure="put that folder back, if you have it\n"
                f"or give up what is on them: labgen destroy {request.lab.name} --yes, then the same command again",
            )

    def _check_room(self, states: set[str]) -> None:
        lab = self.request.lab
        conflicts = address_conflicts(lab, lambda: next_range(lab))
        if conflicts:
            raise conflicts[0]
        if "running" not in states:
            check_memory(self.request.provider.memory_needed(lab))
        if states == {"absent"}:
            check_disk(self.request.cache, images=0, nodes=len(lab.nodes))
            # Said while there is still time to think again, and not at each `up` of a lab that one has.
            for weakness in lab.weaknesses:
                self.request.reporter.note(f"warning: {weakness}")
            for sentence in ways_hidden(lab):
                self.request.reporter.note(f"warning: {sentence}")


def _together(problems: list[HostError]) -> HostError:
    detail = [f"{problem.what}: {problem.cure}" if problem.cure else problem.what for problem in problems]
    return HostError("this machine is not ready", detail=detail, cure="labgen doctor shows all that is looked at")
