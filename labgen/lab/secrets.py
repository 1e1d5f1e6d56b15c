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


def make_secrets(
    components: Iterable[Component], kept: Secrets | None = None, contained: Secrets | None = None
) -> dict[str, dict[str, str]]:
    """A value for every secret of every component; one that is in KEPT stays as it is.

    contained: text that has to be in a new one. Raises ValueError for a kept one without it.
    """
    old, wanted = kept or {}, contained or {}
    made: dict[str, dict[str, str]] = {}
    for component in components:
        for name, about in component.manifest.secrets.items():
            text = wanted.get(component.name, {}).get(name, "")
            value = old.get(component.name, {}).get(name) or _value(about.kind, about.bytes, text)
            if text not in value:
                raise ValueError(f"{component.name}.{name}")
            made.setdefault(component.name, {})[name] = value
    return made


def _value(kind: str, size: int, text: str) -> str:
    """A random value of SIZE, a password with TEXT somewhere in it, which makes it no longer but for what it needs."""
    if kind == "base64":
        # Of letters and digits, as three in four are not: so all labs' files look the same to lint (lint/passed.py).
        while not (text := base64.b64encode(secrets.token_bytes(size)).decode()).rstrip("=").isalnum():
            continue
        return text
    characters = [secrets.choice(ALPHABET) for _ in range(max(size - len(text), 4))]
    at = 1 + secrets.randbelow(len(characters) - 1)
    return "".join([*characters[:at], text, *characters[at:]])
