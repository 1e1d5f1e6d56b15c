"""What was asked for, sorted by what it reaches, and how it comes over what was there before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labgen.overrides.assignment import Path, UserAddition
from labgen.overrides.model import Tree


@dataclass
class Overrides:
    """What was asked for, sorted by what it reaches. origins: path of a value → where it was given."""

    os: str | None = None
    box: str | None = None
    network: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machines: dict[str, dict[str, int]] = field(default_factory=dict)
    everywhere: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_node: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    config: dict[str, Tree] = field(default_factory=dict)
    config_by_node: dict[str, dict[str, Tree]] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[tuple[str, tuple[str, ...]], UserAddition] = field(default_factory=dict)
    steps: dict[str, UserAddition] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)


class MapChange(dict[str, Any]):
    """Keys for a parameter that is a map: put over those that it has, where a whole mapping takes their place."""


def merged_parameter(value: Any, given: Any) -> Any:
    """VALUE of a parameter after GIVEN came over it."""
    return joined(value or {}, given) if isinstance(given, MapChange) else given


def joined(tree: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """TREE with MORE over it, mapping by mapping."""
    whole = dict(tree)
    for key, value in more.items():
        old = whole.get(key)
        whole[key] = joined(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return whole
