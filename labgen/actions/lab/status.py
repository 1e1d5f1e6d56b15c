"""`status`: what there is of a lab right now."""

from __future__ import annotations

from dataclasses import dataclass

from labgen.actions.session.cluster import patroni_of
from labgen.actions.session.open import OpenLab, existing_lab
from labgen.actions.session.vagrant import vagrant_of
from labgen.errors import LabgenError
from labgen.plan import build_plan
from labgen.providers import get_provider
from labgen.provision import Journal, pending_steps, step_digests


@dataclass(frozen=True)
class LabStatus:
    """A lab's machines by state (`running`, `stopped`, `paused`, `absent`) and how far its steps have come.

    maintenance: whether Patroni is in maintenance mode; None if nobody can tell.
    """

    opened: OpenLab
    states: dict[str, str]
    steps: int
    pending: int
    maintenance: bool | None = None

    @property
    def summary(self) -> str:
        """One word or two for the whole lab."""
        states = set(self.states.values())
        if states == {"absent"}:
            return "not booted"
        if states == {"running"}:
            return "up" if not self.pending else "unfinished"
        return "stopped" if states == {"stopped"} else "partly running"


def status(name: str) -> LabStatus:
    """The status of the lab NAME; raises UnknownNameError."""
    opened = existing_lab(name)
    lab, folder = opened.lab, opened.folder
    states = get_provider(lab.provider).states(lab, vagrant_of(opened))
    plan = build_plan(lab)
    pending = len(plan.steps)
    if folder.journal.exists() and folder.rendered.exists():
        digests = step_digests(plan, folder.rendered, lab.artefact_names)
        pending = len(pending_steps(plan, digests, Journal(folder.journal)))
    return LabStatus(opened, states, len(plan.steps), pending, _maintenance(opened, states))


def _maintenance(opened: OpenLab, states: dict[str, str]) -> bool | None:
    """Asked of the first Patroni that answers, without waiting for one that does not."""
    if not any(states[node.name] == "running" for node in opened.lab.member_nodes):
        return None
    try:
        with patroni_of(opened.lab.name, alone=False, answer_within=3) as patroni:
            return patroni.view().cluster.paused
    except LabgenError:
        return None
