"""How a lab was made: what its lab.json holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from labgen.lab.scaling import Scale

FORMAT = 1


@dataclass(frozen=True)
class LabRecord:
    """How a lab was made; from this and the blueprint's copy the Lab is resolved again.

    network: its range. files: its overrides documents, paths below the folder's `overrides`.
    """

    name: str
    blueprint: str
    profile: str
    provider: str
    overrides: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    baked: bool = True
    # None in the records of labs that were made when each had its blueprint's own.
    network: str | None = None
    files: tuple[str, ...] = ()
    scale: Scale = field(default_factory=Scale)
    format: int = FORMAT


def read_record(data: dict[str, Any]) -> LabRecord:
    """The record that `asdict` made DATA of; raises ValueError, KeyError, TypeError or AttributeError if it is none."""
    if data.get("network") is not None:
        IPv4Network(data["network"])
    for key in ("name", "blueprint", "profile", "provider"):
        if not isinstance(data[key], str) or not data[key]:
            raise TypeError(f"{key} is no word")
    kept = {key: _words(data.get(key, ())) for key in ("overrides", "components", "files")}
    return LabRecord(**{**data, **kept, "scale": _scale(data.get("scale") or {})})


def _words(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise TypeError("not a list of words")
    return tuple(values)


def _scale(data: dict[str, Any]) -> Scale:
    """What `asdict` made of a Scale, which a lab of an older labgen does not have."""
    added = tuple((str(name), str(address)) for name, address in data.get("added", ()))
    return Scale(**{**data, "added": added, "removed": tuple(data.get("removed", ()))})
