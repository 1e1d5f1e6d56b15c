"""Does the injections of faults, and undoes them.

First the undo is written down, then the dead man's timer is set on the node, and only then is the injection done.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from labgen.cluster.nodes import FOLDER, Nodes, run
from labgen.errors import LabgenError, OperationError
from labgen.faults.model import Injection
from labgen.faults.undo import Undo, Undos
from labgen.providers import get_provider
from labgen.system.tools import ask

BACK_WITHIN = 180.0
"""Seconds a machine that was started again may take to let us in."""


class FaultInjector:
    """Works on one lab in one drill. DEAD_MAN: seconds after which a node heals itself if labgen does not."""

    def __init__(self, nodes: Nodes, undos: Undos, dead_man: float, wait_for_machine: float = BACK_WITHIN) -> None:
        self._nodes, self._undos = nodes, undos
        self._dead_man, self._wait = dead_man, wait_for_machine
        self._count = 0

    def do(self, injection: Injection, title: str, on: str) -> None:
        """Do INJECTION, of the fault TITLE on the node ON; if that raises LabgenError, its undo is registered."""
        self._count += 1
        key = f"{self._undos.run}-{self._count}"
        undo = self._undo(injection, title, key, on)
        if undo is not None:
            self._undos.register(undo)
            if undo.timer and undo.node:
                self._arm(undo)
        if injection.node is None:
            _here(tuple(injection.command))
        else:
            run(self._nodes[injection.node], injection.node, str(injection.command))

    def _undo(self, injection: Injection, title: str, key: str, on: str) -> Undo | None:
        if injection.undo is None:
            return None
        timer = f"labgen-drill-{key}" if injection.dead_man and injection.node else None
        title = f"{on} {title}"
        return Undo(key, title, injection.node, injection.undo, timer=timer, machine=on, provider=injection.provider)

    def _arm(self, undo: Undo) -> None:
        script = f"{FOLDER}/{undo.id}.sh"
        command = (
            f"mkdir -p -m 755 {FOLDER} && cat >{script} && "
            f"systemd-run --quiet --collect --unit={undo.timer} --on-active={self._dead_man:.0f} "
            f"--timer-property=AccuracySec=1s /bin/bash {script}"
        )
        run(self._nodes[str(undo.node)], str(undo.node), command, stdin=str(undo.command).encode() + b"\n")


def undo_one(nodes: Nodes, undo: Undo, progress: Callable[[str], None] = lambda _: None) -> None:
    """Undo one entry; raises LabgenError if that does not work. What is undone already is success."""
    progress(f"healing: {undo.title}")
    if undo.node is None:
        _here(tuple(undo.command), undone_by=undo.provider)
        if undo.machine:
            nodes.wait_for(undo.machine, BACK_WITHIN)
        return
    nodes.renew()
    if undo.node not in nodes:
        raise OperationError(f"{undo.node} is not running, so that it cannot be healed", cure="labgen up starts it")
    run(nodes[undo.node], undo.node, str(undo.command), timeout=60)
    if undo.timer:
        timer = shlex.quote(f"{undo.timer}.timer")
        # It may have done its work already.
        nodes[undo.node].run(f"systemctl stop {timer} 2>/dev/null; rm -f {FOLDER}/{undo.id}.sh", timeout=30)


def _here(words: tuple[str, ...], *, undone_by: str | None = None) -> None:
    """Run WORDS on this host. UNDONE_BY: it is fine if the tool of this provider says that nothing is left to do."""
    answer = ask(words, timeout=120)
    if answer.rc == 0:
        return
    said = answer.stderr.strip() or answer.stdout.strip() or f"exit code {answer.rc}"
    control = get_provider(undone_by).control if undone_by else None
    if control is not None and control.nothing_left(said):
        return
    raise OperationError(f"{shlex.join(words)}: {said.splitlines()[-1]}")


def heal(nodes: Nodes, undos: Undos, progress: Callable[[str], None]) -> list[LabgenError]:
    """Undo all that UNDOS lists, newest first; gives back what did not work, which stays listed."""
    return undos.heal(lambda undo: undo_one(nodes, undo, progress))
