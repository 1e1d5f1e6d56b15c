"""Files that are one document: YAML, as Patroni has it, and JSON, as Consul has it.

Comments of a changed YAML document are lost, those before its first key aside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import yaml


class Keyed:
    """A kind of document in which a key has one spelling, and anything may stand anywhere."""

    def spelled(self, keys: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        yield keys, value

    def problem(self, keys: tuple[str, ...], value: Any) -> str | None:  # noqa: ARG002
        return None

    def example(self, keys: tuple[str, ...]) -> str | None:  # noqa: ARG002
        return None


class Yaml(Keyed):
    """Read as Patroni does, by YAML 1.1: what is `on` for it is written in quotes where the string is meant."""

    def changed(self, text: str, changes: Mapping[str, Any]) -> str:
        head = "".join(takewhile(lambda line: line.startswith("#") or not line.strip(), text.splitlines(keepends=True)))
        merged = merge(yaml.safe_load(text) or {}, changes)
        return head + yaml.safe_dump(merged, sort_keys=False, allow_unicode=True, width=10_000)


class Json(Keyed):
    def changed(self, text: str, changes: Mapping[str, Any]) -> str:
        return json.dumps(merge(json.loads(text), changes), indent=2) + "\n"


def merge(document: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """DOCUMENT with CHANGES: mappings are joined, anything else takes the old value's place, None takes it away."""
    merged = dict(document) if isinstance(document, Mapping) else {}
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge(merged.get(key), value)
        else:
            merged[key] = list(value) if isinstance(value, tuple) else value
    return merged
