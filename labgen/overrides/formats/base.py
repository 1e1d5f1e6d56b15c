"""What a kind of configuration file has to be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Format(Protocol):
    """One kind of configuration file."""

    def problem(self, keys: tuple[str, ...], value: Any) -> str | None:
        """Why VALUE (no mapping, unless it is empty) cannot stand under KEYS, as the end of a sentence; or None."""
        ...

    def changed(self, text: str, changes: Mapping[str, Any]) -> str:
        """TEXT, a finished file, with CHANGES put in."""
        ...
