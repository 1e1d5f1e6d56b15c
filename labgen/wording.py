"""Words for values in messages."""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST = 60  # characters of a value that a message repeats


def must_be(what: str, given: object) -> str:
    """The problem of a value that is not WHAT."""
    quotes = " (put it in quotes)" if what == "a string" and isinstance(given, (bool, int, float)) else ""
    return f"must be {what}, not {shown(given)}{quotes}"


def shown(value: object) -> str:
    """VALUE in a message, as YAML knows it, shortened."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (tuple, list)):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{shortened(value)}'" if isinstance(value, str) else shortened(str(value))


def shortened(text: str) -> str:
    """The beginning of TEXT, on one line."""
    return printable(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def harmless(text: str) -> str:
    """TEXT with its lines and tabs, without anything else that a terminal would act upon; colours are left out."""
    if text.isprintable():
        return text
    text = COLOURS.sub("", text)
    return "".join(char if char in "\n\t" or char.isprintable() else printable(char) for char in text)


def printable(text: str) -> str:
    """TEXT on one line, without anything that a terminal would act upon."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
