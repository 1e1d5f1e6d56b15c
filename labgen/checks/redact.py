"""Blacks out a lab's secrets in whatever is shown or kept."""

from __future__ import annotations

from collections.abc import Mapping

HIDDEN = "‹secret›"


def secret_values(secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Value → `component.name` of every secret, the longest first, so that none is left half visible."""
    named = {value: f"{component}.{name}" for component, group in secrets.items() for name, value in group.items()}
    return {value: named[value] for value in sorted(named, key=len, reverse=True) if value.strip()}


class Redactor:
    """Replaces each secret in a text."""

    def __init__(self, secrets: Mapping[str, Mapping[str, str]]) -> None:
        self._values = tuple(secret_values(secrets))

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text
