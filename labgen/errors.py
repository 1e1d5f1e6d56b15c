"""The whole error tree; the number is the exit code with which the command line ends.

LabgenError                     1
├── UsageError                  2   a word on the command line is wrong
│   ├── UnknownNameError        2   no such blueprint, lab, node, component, profile, provider …
│   ├── DocumentError          2   problems of a blueprint, manifest or other document, all of them
│   ├── PluginError             2   what another package adds to labgen is not in order, and was needed
│   ├── LintError               2   rendered files that the programs which are to read them refuse
│   └── LockError               2   a lock or an archive that is damaged, of a newer labgen, or for something else
├── HostError                   3   this machine is not ready
│   ├── AddressInUseError       3   the lab's network is already in use here
│   │   └── RangeLostError      3   by another lab
│   ├── DiskFullError           3   labgen could not write a file for want of room
│   └── LabBusyError            3   another labgen works on this lab
├── ArtefactError               3   a file could not be fetched, or is not what it should be
│   └── PackageError            3   the same of a Debian package
├── ImageError                  4   an image could not be built
├── VagrantError                4   Vagrant failed, with its own last lines
├── NodeError                   4   a node did not boot or cannot be reached
├── StepError                   4   a step failed, with its last lines and its log
├── OperationError              1   the cluster cannot do, or did not do, what it was asked to
├── CheckFailed                 1   a check failed
└── Interrupted               130   Ctrl-C, where there is something to say of what has come of it
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from labgen.wording import harmless

if TYPE_CHECKING:
    from labgen.problems import Problem

FULL = re.compile(r"no space left on device|enough free space|disk quota exceeded", re.IGNORECASE)
"""What programs say when there is no room: the C library, and apt."""

MAKE_ROOM = "see where there is no room left: df -h; labgen image prune removes what no lab uses"


class LabgenError(Exception):
    """Base of everything labgen reports to a person.

    what: one sentence, what happened. where: the file, node or command it happened in.
    cure: what to do next. detail: further lines (a log's end, a list of problems).
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | Path | None = None,
        cure: str | None = None,
        detail: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where)
        self.cure = cure
        self.detail = tuple(detail)

    def lines(self) -> list[str]:
        """The error as it is printed, a string a line."""
        out = [f"error: {self.what}"]
        if self.where:
            out.append(f"  where: {self.where}")
        out += [f"  | {line}" for line in self.detail]
        # Whoever ran the program cannot know that it would be for want of room.
        full = any(FULL.search(line) for line in self.detail)
        if cure := "\n".join(filter(None, [MAKE_ROOM if full else None, self.cure])):
            first, *rest = cure.splitlines()
            out.append(f"  next:  {first}")
            out += [f"         {line}" for line in rest]
        return [harmless(line) for line in out]

    def __str__(self) -> str:
        return "\n".join(self.lines())


@contextmanager
def at(place: str | Path) -> Iterator[None]:
    """An error that names no place is one about PLACE."""
    try:
        yield
    except LabgenError as error:
        error.where = error.where or str(place)
        raise


class UsageError(LabgenError):
    """problems: what is wrong, where a place in a file is known."""

    exit_code = 2
    problems: tuple[Problem, ...] = ()


class UnknownNameError(UsageError):
    """Somebody named a thing that does not exist; says what was probably meant and what there is."""

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        *,
        where: str | Path | None = None,
        more: str = "",
        none: str = "there is none",
    ) -> None:
        """MORE follows the cure, which is NONE where nothing is known."""
        self.kind, self.name, self.known = kind, name, sorted(known)
        cure = meant(name, self.known) if self.known else none
        super().__init__(f"no {kind} is called '{name}'", where=where, cure=cure + more)


class DocumentError(UsageError):
    """All that is wrong with one blueprint, manifest or other document. kind: which."""

    def __init__(self, problems: Sequence[Problem], *, kind: str = "blueprint", cure: str | None = None) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"the {kind} has {count}", detail=[str(problem) for problem in self.problems], cure=cure)

    def lines(self) -> list[str]:
        # The place comes first and unindented, so that editors and CI logs can jump to it.
        head = f"error: {self.what}"
        return [harmless(line) for line in (*self.detail, head, *([f"  next:  {self.cure}"] if self.cure else []))]


class PluginError(UsageError):
    """A plug-in that is needed and not in order.

    reason: why, a clause. word: what it would be: `check`. package: whose it is, with its version.
    """

    def __init__(self, reason: str, *, word: str, name: str, package: str, where: str, cure: str) -> None:
        self.reason = reason
        super().__init__(
            f"the {word} '{name}' of the package {package} cannot be used: {reason}", where=where, cure=cure
        )


class LintError(UsageError):
    """What programs say about files that they are to read; problems: those of it that are about a file."""

    def __init__(
        self, what: str, problems: Sequence[Problem], *, where: str | Path, detail: Sequence[str], cure: str
    ) -> None:
        super().__init__(what, where=where, detail=detail, cure=cure)
        self.problems = tuple(problems)


class LockError(UsageError):
    pass


class HostError(LabgenError):
    exit_code = 3


class AddressInUseError(HostError):
    pass


class RangeLostError(AddressInUseError):
    """Another lab has the range; a lab that may lie elsewhere goes there."""


class DiskFullError(HostError):
    pass


class LabBusyError(HostError):
    pass


class ArtefactError(LabgenError):
    exit_code = 3


class PackageError(ArtefactError):
    pass


class ImageError(LabgenError):
    exit_code = 4


class VagrantError(LabgenError):
    exit_code = 4


class NodeError(LabgenError):
    exit_code = 4


class StepError(LabgenError):
    exit_code = 4


class OperationError(LabgenError):
    exit_code = 1


class CheckFailed(LabgenError):
    exit_code = 1


class Interrupted(LabgenError):
    exit_code = 130


def is_near(name: str, other: str) -> bool:
    """Whether one may be the other misspelt."""
    return bool(_close(name, [other]))


def meant(name: str, known: Iterable[str]) -> str:
    """A cure for an unknown name: the nearest known one first, else all of them."""
    choices = sorted(known)
    close = _close(name, choices)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"there is: {', '.join(choices)}" if choices else "there is none"


def _close(name: str, choices: Sequence[str]) -> list[str]:
    from difflib import get_close_matches  # noqa: PLC0415 - only where something went wrong

    return get_close_matches(name, choices, n=1, cutoff=0.6)
