"""`halt`: the machines stop, the lab stays; `up` starts them again."""

from __future__ import annotations

from labgen.actions.session.owner import refuse_strangers
from labgen.actions.session.remains import KnownLab, known_lab
from labgen.actions.session.vagrant import vagrant_in
from labgen.errors import VagrantError
from labgen.providers import MachineAction
from labgen.system.tools import ask

STOPPING = 60.0
"""Seconds that a machine may take to end in order."""


def halt(name: str) -> None:
    """Stop all nodes in an orderly way, whatever condition the lab's folder is in.

    Raises UnknownNameError or VagrantError.
    """
    lab = known_lab(name)
    with lab.folder.locked():
        refuse_strangers(lab.folder, lab.names, lab.providers)
        _stop(lab, by_vagrant=lab.by_vagrant(lambda vagrant: vagrant.halt()))


def _stop(lab: KnownLab, *, by_vagrant: bool) -> None:
    """Stop what Vagrant did not, or could not know of; a machine that is not there needs no stopping."""
    failed, vagrant = [], vagrant_in(lab.folder, lab.providers)
    for provider in lab.providers:
        if control := provider.control:
            for node in vagrant.lost(lab.nodes, provider.name) if by_vagrant else lab.nodes:
                answer = ask(control.command(lab.names, node, MachineAction.STOP), timeout=STOPPING)
                if answer.rc != 0 and not control.nothing_left(answer.stderr):
                    failed.append(f"{node}: {answer.stderr.strip()}")
    if failed:
        raise VagrantError(
            f"not every machine of {lab.folder.name} stopped",
            where=lab.folder.rendered,
            detail=failed,
            cure=f"try labgen halt {lab.folder.name} again",
        )
