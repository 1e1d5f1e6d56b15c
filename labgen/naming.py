"""What a user may call a thing that names containers, domains, images and folders."""

from __future__ import annotations

import re

from labgen.errors import UsageError


def is_name(word: str) -> bool:
    """Whether WORD can name a lab, a checkpoint or the like; a path never can."""
    return re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", word) is not None and len(word) <= 40


def refuse_name(name: str, what: str, where: str | None = None) -> None:
    """Raise UsageError unless NAME can name WHAT, which is given with its article."""
    if not is_name(name):
        raise UsageError(
            f"'{name}' cannot name {what}",
            where=where,
            cure="use at most 40 lower-case letters, digits and single dashes, beginning with a letter",
        )
