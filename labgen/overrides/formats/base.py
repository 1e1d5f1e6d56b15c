"""What a kind of configuration file has to be able to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol


class Format(Protocol):
    """One kind of configuration file."""

    def spelled(self, keys: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        """The same as the file itself would spell it: keys of which one, and only one, means the same lines."""
        ...

    def problem(self, keys: tuple[str, ...], value: Any) -> str | None:
        """Why VALUE (no mapping, unless it is empty) cannot stand under KEYS, as the end of a sentence; or None."""
        ...

    def example(self, keys: tuple[str, ...]) -> str | None:
        """How a value is named, where KEYS are too few or too many for one; else None."""
        ...

    def changed(self, text: str, changes: Mapping[str, Any]) -> str:
        """TEXT, a finished file, with CHANGES put in."""
        ...
