"""Small words that several checks share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def count(number: int, noun: str) -> str:
    """`1 replica`, `2 replicas`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def some(names: Sequence[str], most: int = 5) -> str:
    """The first of NAMES, and how many more there are."""
    return listed(names) if len(names) <= most else f"{listed(names[:most])} and {len(names) - most} more"
