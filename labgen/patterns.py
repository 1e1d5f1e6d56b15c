"""Regular expressions that come from documents, run by RE2: however they are made, the time is linear in the text.

Look-arounds and back-references are what that costs; a pattern with one is refused.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LONGEST = 4096  # characters
NOT_THERE = {
    "(?=": "a look-ahead",
    "(?!": "a look-ahead",
    "(?<": "a look-behind",
    "(?>": "an atomic group",
    "(?(": "a condition",
}


@lru_cache(maxsize=512)
def pattern(text: str, *, lines: bool = False) -> Any:
    """The compiled TEXT, with `search` and `fullmatch` like Python's; raises ValueError, in words.

    LINES: `^` and `$` are the ends of a line, too.
    """
    import re2  # noqa: PLC0415 - only where a document has patterns

    if len(text) > LONGEST:
        raise ValueError(f"it has more than {LONGEST} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_clean(f"(?m){text}" if lines else text), options)
    except re2.error as error:
        raise ValueError(_words(error)) from None


def search(text: str, subject: str, *, lines: bool = False) -> str | None:
    """The first part of SUBJECT that matches the pattern TEXT, None if there is none."""
    found = pattern(text, lines=lines).search(_clean(subject))
    return None if found is None else str(found[0])


def fits(text: str, subject: str) -> bool:
    """Whether all of SUBJECT matches the pattern TEXT."""
    return pattern(text).fullmatch(_clean(subject)) is not None


def _clean(text: str) -> str:
    """TEXT without surrogates, of which RE2 knows nothing."""
    return text.encode("utf-8", "replace").decode()


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    for sign, what in NOT_THERE.items():
        if text.startswith("invalid perl operator") and sign in text:
            return f"{text}; {what} is not among what labgen's regular expressions (RE2) can do"
    if text.startswith("invalid escape sequence: \\") and text[-1].isdigit():
        return f"{text}; a back-reference is not among what labgen's regular expressions (RE2) can do"
    return text
