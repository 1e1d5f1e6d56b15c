"""The random values of one lab: made once, kept in one file of mode 0600, never printed."""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Iterable, Mapping

from labgen.components.registry import Component

Secrets = Mapping[str, Mapping[str, str]]
"""Component → secret's name → value."""

ALPHABET = string.ascii_letters + string.digits


def make_secrets(components: Iterable[Component], kept: Secrets | None = None) -> dict[str, dict[str, str]]:
    """A value for every secret of every component; one that is in KEPT stays as it is."""
    old = kept or {}
    return {
        component.name: {
            name: old.get(component.name, {}).get(name) or _value(about.kind, about.bytes)
            for name, about in component.manifest.secrets.items()
        }
        for component in components
        if component.manifest.secrets
    }


def _value(kind: str, size: int) -> str:
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(size)).decode()
    return "".join(secrets.choice(ALPHABET) for _ in range(size))
