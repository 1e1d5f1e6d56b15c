"""The `--set` words that a lab remembers: what was said later goes over what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labgen.errors import UsageError, meant


@dataclass(frozen=True)
class WordChange:
    """words: all that hold now. kept: those from before. replaced, taken_back: those that hold no more."""

    words: tuple[str, ...]
    kept: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    taken_back: tuple[str, ...] = ()

    def notes(self, lab: str) -> list[str]:
        """What a user should know who said a part of this; nothing where nothing was said, or nothing differs."""
        said = [word for word in self.words if word not in self.kept]
        notes = []
        if self.replaced:
            notes.append(f"{', '.join(said)} in place of {', '.join(self.replaced)}")
        if self.taken_back:
            notes.append(f"taken back: {', '.join(self.taken_back)}")
        if self.kept and (said or self.taken_back):
            first = path_of(self.kept[0])
            notes.append(f"still set: {', '.join(self.kept)}; labgen up {lab} --unset {first} takes it back")
        return notes


def changed(had: Sequence[str], said: Sequence[str], unset: Sequence[str] = ()) -> WordChange:
    """HAD, with SAID over it, without what is at or below the paths UNSET.

    Raises UsageError for a path of UNSET at which nothing is set.
    """
    back: list[str] = []
    for path in unset:
        found = [word for word in had if _covers(path, path_of(word))]
        if not found:
            known = [path_of(word) for word in had]
            raise UsageError(
                f"nothing is set for '{path}'", where="--unset", cure=meant(path, known) if known else "leave it out"
            )
        back += found
    rest = [word for word in had if word not in back]
    over = [word for word in rest if any(_covers(path_of(new), path_of(word)) for new in said)]
    kept = tuple(word for word in rest if word not in over)
    replaced = tuple(word for word in over if word not in said)
    repeated = tuple(word for word in over if word in said)
    return WordChange((*kept, *said), (*kept, *repeated), replaced, tuple(dict.fromkeys(back)))


def path_of(word: str) -> str:
    """What a `--set` word is about."""
    return word.partition("=")[0]


def _covers(path: str, other: str) -> bool:
    return other == path or other.startswith(f"{path}.")
