"""What is wrong with a document, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from labgen.wording import printable

Loc = tuple[str | int, ...]
"""The path of a value in a document: keys, and places in lists from 0."""


def path_text(loc: Loc) -> str:
    """A path in a document as people write it: `nodes[2].address`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file; line and column count from 1. file: empty for what stands in no file."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.file else ""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong. path: the value's, empty for the document as a whole."""

    place: Place
    path: str
    what: str

    def __str__(self) -> str:
        """`file:line:column: path: what`, on one line."""
        return printable(": ".join(part for part in (str(self.place), self.path, self.what) if part))

    def data(self) -> dict[str, str | int]:
        """The same for JSON."""
        place = self.place
        return {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "path": self.path,
            "what": printable(self.what),
        }


@dataclass
class Source:
    """The text a document came from: where each key or value stands, by its path in the document."""

    name: str
    places: dict[Loc, Place] = field(default_factory=dict)

    def place(self, loc: Loc) -> Place:
        """Where the nearest thing stands that is there."""
        at = loc
        while at not in self.places and at:
            at = at[:-1]
        return self.places.get(at, Place(self.name))

    def position(self, loc: Loc) -> str:
        """`file:line:column` of the same."""
        return str(self.place(loc))

    def problem(self, loc: Loc, what: str) -> Problem:
        return Problem(self.place(loc), path_text(loc), what)

    def sort(self, problems: Iterable[Problem]) -> list[Problem]:
        """Problems without repetition, in the order of the file; those of other files after them."""
        return sorted(set(problems), key=lambda problem: (problem.place.file != self.name, problem))
