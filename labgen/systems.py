"""The operating systems of nodes: all that is known of one stands in `scripts/image/systems/NAME.conf`.

The scripts that make images read the same files, in a rendered folder from a copy.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from labgen.errors import UnknownNameError, meant
from labgen.resources import resource
from labgen.wording import must_be, shown


@dataclass(frozen=True)
class System:
    """An operating system. name: as blueprints have it; title: as people do.

    suite: what apt calls it; pools: what follows its name there (`updates`, `security`). expires: whether apt minds
    that a Release file is past its date. python: the version it has. cgroup_v2: whether its systemd boots with nothing
    older. moving: whether its packages still change, so that a version stands for its later ones too. file: where all
    this stands.
    """

    name: str
    title: str
    suite: str
    pools: tuple[str, ...]
    expires: bool
    python: str
    cgroup_v2: bool
    moving: bool
    file: Path


def systems() -> Mapping[str, System]:
    """Every operating system there is, by name."""
    return _read(resource("scripts") / "image" / "systems")


def system(name: str) -> System:
    """The operating system NAME; raises UnknownNameError."""
    if name not in systems():
        raise UnknownNameError("operating system", name, systems())
    return systems()[name]


@cache
def _read(folder: Path) -> Mapping[str, System]:
    return {path.stem: _system(path) for path in sorted(folder.glob("*.conf"))}


def _system(path: Path) -> System:
    # Bash reads them too, so words are cut as bash cuts them.
    words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    values = dict(word.split("=", 1) for word in words)
    return System(
        name=path.stem,
        title=values["TITLE"],
        suite=values["SUITE"],
        pools=tuple(values["POOLS"].split()),
        expires=values["VALID_UNTIL"] == "checked",
        python=values["PYTHON"],
        cgroup_v2=values.get("CGROUPS") == "v2",
        moving=values.get("MOVING") == "yes",
        file=path,
    )


def _known(name: object) -> object:
    if not isinstance(name, str):
        raise ValueError(must_be(f"one of {', '.join(systems())}", name))
    if name not in systems():
        raise ValueError(f"there is no {shown(name)} here; {meant(name, systems())}")
    return name


def _name_them(schema: dict[str, Any]) -> None:
    schema["enum"] = list(systems())


OsName = Annotated[str, BeforeValidator(_known), Field(json_schema_extra=_name_them)]
"""The name of an operating system, in a document."""
