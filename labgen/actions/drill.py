"""`drill`: break a lab on purpose under load, measure, heal, and judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import OpenLab, existing_lab
from labgen.blueprint.drills import Drill
from labgen.cluster.nodes import Nodes
from labgen.drill.judge.log import Log, read_log
from labgen.drill.judge.verdict import DrillVerdict, judge
from labgen.drill.run.choose import choose_drill
from labgen.drill.run.context import DrillContext
from labgen.drill.run.failsafe import is_configured, with_failsafe
from labgen.drill.run.runner import DrillRunner
from labgen.errors import Interrupted, OperationError
from labgen.faults.injector import heal as heal_all
from labgen.faults.model import Fault
from labgen.faults.registry import all_faults
from labgen.faults.undo import left_over
from labgen.providers import get_provider

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DrillOutcome:
    """A drill that is over: its log, where that lies, and the verdict on it."""

    path: Path
    log: Log
    verdict: DrillVerdict


def run_drill(
    name: str,
    word: str,
    changes: Sequence[str],
    repeat: int,
    progress: Progress,
    on_outcome: Callable[[DrillOutcome], None],
) -> list[DrillOutcome]:
    """Play the drill WORD on the lab NAME, REPEAT times; ON_OUTCOME hears of each.

    Raises UnknownNameError, OperationError if the lab is not fit for it or not everything could be healed, Interrupted
    if it was, with what is left to be healed.
    """
    opened = existing_lab(name)
    drill = choose_drill(opened.lab, word, changes)
    outcomes = []
    with opened.folder.locked():
        refuse_unhealed(opened)
        with reaching(opened) as nodes:
            sequential = get_provider(opened.lab.provider).emulated
            secrets = opened.folder.secrets(opened.lab)
            context = DrillContext(opened.lab, secrets, nodes, opened.folder.path, progress, sequential)
            try:
                for number in range(1, repeat + 1):
                    if repeat > 1:
                        context.progress = _numbered(progress, number, repeat)
                    outcomes.append(recheck(DrillRunner(context, drill).play()))
                    on_outcome(outcomes[-1])
            except KeyboardInterrupt:
                raise _interrupted(opened, drill) from None
    return outcomes


def recheck(path: Path) -> DrillOutcome:
    """The verdict on the log in the file PATH, computed from nothing else; raises UsageError if it is none."""
    log = read_log(path)
    return DrillOutcome(path, log, judge(log))


def heal(name: str, progress: Progress) -> tuple[str, ...]:
    """Undo what a drill, or a reproduction, on the lab NAME has left; what it was.

    Raises OperationError if something cannot be undone.
    """
    opened = existing_lab(name)
    with opened.folder.locked():
        undos = left_over(opened.folder.path)
        if undos is None:
            return ()
        titles = undos.titles
        with reaching(opened) as nodes:
            failed = heal_all(nodes, undos, progress)
        if failed:
            raise OperationError(
                "not everything could be healed",
                where=name,
                detail=[why.what for why in failed],
                cure=f"labgen up {name} starts machines that are down; then labgen drill heal {name} again",
            )
        return titles


def drills_of(name: str) -> tuple[tuple[Drill, ...], tuple[Fault, ...], str]:
    """The drills of the lab NAME, all faults there are, and the lab's provider."""
    lab = existing_lab(name).lab
    on = is_configured(lab)
    return tuple(with_failsafe(drill, lab, on=on) for drill in lab.blueprint.drills), all_faults(), lab.provider


def refuse_unhealed(opened: OpenLab) -> None:
    """Raise OperationError if something broke this lab on purpose, and was cut off before it had healed everything."""
    if undos := left_over(opened.folder.path):
        raise OperationError(
            f"the {undos.what} was cut off, and has left the lab {opened.lab.name} unhealed",
            detail=undos.titles,
            cure=f"labgen drill heal {opened.lab.name}",
        )


def _interrupted(opened: OpenLab, drill: Drill) -> Interrupted:
    lab = opened.lab.name
    if undos := left_over(opened.folder.path):
        return Interrupted(
            f"the drill {drill.name} was interrupted while it healed, and has left the lab {lab} unhealed",
            detail=undos.titles,
            cure=f"labgen drill heal {lab}",
        )
    return Interrupted(
        f"the drill {drill.name} was interrupted; what it had done to the lab {lab} is undone",
        cure=f"labgen verify {lab} --settle 60 waits until all is well again",
    )


@contextmanager
def reaching(opened: OpenLab) -> Iterator[Nodes]:
    """The connections to a lab whose machines may lose their power meanwhile."""
    nodes = Nodes(lambda: endpoints(opened), opened.folder.known_hosts)
    try:
        yield nodes
    finally:
        nodes.close()


def _numbered(progress: Progress, number: int, of: int) -> Progress:
    return lambda text: progress(f"{number} of {of}: {text}")
