"""What has passed lint on this machine, in whatever lab: the same files in the same image need not be looked at again.

Labs differ by their secrets. A validator sees those too, but what it says cannot depend on which random letters they
are made of: two files are the same when their secrets have the same length and the same other characters, if any.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from labgen.lab.secrets import Secrets
from labgen.lint.run import ImageLint

MOST = 500
"""Entries that are kept, the newest; each is an empty file."""


class Passed:
    """The entries in FOLDER, which is made when the first one is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, key: str) -> bool:
        return (self._folder / key).is_file()

    def keep(self, keys: Iterable[str]) -> None:
        """Write down that what has these KEYS has passed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for key in keys:
            (self._folder / key).touch()
        for old in sorted(self._folder.iterdir(), key=_age, reverse=True)[MOST:]:
            old.unlink(missing_ok=True)


def passed_key(work: ImageLint, image_made: str, secrets: Secrets) -> str:
    """The SHA-256 of all that decides how WORK comes out. image_made: when its image was built."""
    given = work.given
    for component, values in sorted(secrets.items()):
        for name, value in sorted(values.items()):
            if value:
                given = given.replace(value.encode(), f"<{component}.{name} {shape(value)}>".encode())
    return hashlib.sha256(b"\0".join((work.spec.name.encode(), image_made.encode(), given))).hexdigest()


def shape(value: str) -> str:
    """What of a secret a program's grammar may mind: its length, and which characters are neither letter nor digit."""
    others = {char for char in value if not (char.isascii() and char.isalnum())}
    return f"{len(value)}{''.join(sorted(others))}"


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # another labgen has just removed it
