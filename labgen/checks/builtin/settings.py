"""Values of settings as people write them and as programs tell them: `8MB` is 1024 of 8kB, `on` is true."""

from __future__ import annotations

import re

MEMORY = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40}
TIME = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
WORDS = {
    "hot_standby": "replica",
    "archive": "replica",
    "on": "true",
    "yes": "true",
    "1": "true",
    "off": "false",
    "no": "false",
    "0": "false",
}
"""The words for a boolean, and what PostgreSQL takes for another word."""


def same_setting(wanted: str, told: str, unit: str = "") -> bool:
    """Whether WANTED means what a program TOLD in UNIT: numbers by their worth, words whatever their case."""
    left, right = wanted.strip(), told.strip()
    if left.lower() == right.lower():
        return True
    if (one := _worth(left, unit)) is not None and (other := _worth(right, unit)) is not None:
        return abs(one - other) <= (_size(unit) if unit else 0.0) / 2 + 1e-9 * abs(other)
    one_word, other_word = (WORDS.get(word.lower(), word.lower()) for word in (left, right))
    if one_word == other_word:
        return True
    # Lists are told with other blanks than they were written.
    return "," in left and re.sub(r"\s*,\s*", ",", left) == re.sub(r"\s*,\s*", ",", right)


def _worth(text: str, unit: str) -> float | None:
    """TEXT, a number with a unit or else in UNIT, in bytes or seconds; None if it is none."""
    found = re.fullmatch(r"([-+]?[0-9]*\.?[0-9]+(?:e[-+]?[0-9]+)?)\s*([A-Za-z]*)", text, re.IGNORECASE)
    if not found:
        return None
    given = found[2].lower()
    if not given:
        return float(found[1]) * _size(unit)
    size = MEMORY.get(given, TIME.get(given))
    return None if size is None else float(found[1]) * size


def _size(unit: str) -> float:
    """What one of UNIT (`8kB`, `ms`; nothing: one) is in bytes or seconds."""
    found = re.fullmatch(r"([0-9]*)([A-Za-z]+)", unit)
    if not found:
        return 1.0
    word = found[2].lower()
    return float(found[1] or 1) * MEMORY.get(word, TIME.get(word, 1.0))
