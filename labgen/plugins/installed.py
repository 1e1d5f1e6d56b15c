"""Which packages register something in labgen's groups.

Read from the packages' own records, once in a process. `importlib.metadata` would do the same, but its import alone
takes half as long as `labgen --help`, and one record that it cannot read hides all others.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from labgen.plugins.groups import PluginGroup

OURSELVES = "labgen"
RECORDS = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
"""How the folder ends in which an installed package is described → the file there that names it."""
PREFIX = "labgen."


@dataclass(frozen=True)
class Plugin:
    """An entry point. value: what it names, `module` or `module:attribute`. site: the folder it is installed in."""

    group: str
    name: str
    value: str
    package: str
    version: str
    site: Path

    @property
    def builtin(self) -> bool:
        return self.package == OURSELVES

    @property
    def path(self) -> Path:
        """Where its code lies, as far as can be known without running it."""
        try:
            spec = find_spec(self.value.partition(":")[0].partition(".")[0].strip())
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            return self.site
        inside = list(spec.submodule_search_locations or ())
        return Path(inside[0] if inside else spec.origin or self.site)


def installed(group: PluginGroup) -> tuple[Plugin, ...]:
    """Every entry point of GROUP: labgen's own first, then by package and name. Nothing is imported."""
    return tuple(plugin for plugin in _all(tuple(sys.path)) if plugin.group == group.name)


def reread_plugins() -> None:
    """Forget what was read: a package has come or gone."""
    _all.cache_clear()


@cache
def _all(path: tuple[str, ...]) -> tuple[Plugin, ...]:
    found: dict[str, list[Plugin]] = {}
    for record in _records(path):
        package, plugins = _read(record)
        # What stands earlier in the path is what Python imports.
        found.setdefault(package.lower().replace("_", "-"), plugins)
    every = (plugin for plugins in found.values() for plugin in plugins)
    return tuple(sorted(every, key=lambda plugin: (not plugin.builtin, plugin.package, plugin.name)))


def _records(path: tuple[str, ...]) -> Iterator[Path]:
    for entry in dict.fromkeys(path):
        try:
            names = sorted(child.name for child in Path(entry or ".").iterdir())
        except OSError:  # a path need not exist, and may be a zip
            continue
        yield from (Path(entry or ".", name) for name in names if name.endswith(tuple(RECORDS)))


def _read(record: Path) -> tuple[str, list[Plugin]]:
    """The name of the package whose RECORD this is, and its entry points in labgen's groups."""
    package, _, version = record.stem.partition("-")
    entries = _text(record / "entry_points.txt")
    if f"[{PREFIX}" not in entries:
        return package, []
    about = dict(_headers(_text(record / RECORDS[record.suffix])))
    package, version = about.get("name", package), about.get("version", version)
    plugins, group = [], ""
    for line in map(str.strip, entries.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group.startswith(PREFIX) and line and line[0] not in "#;":
            name, _, value = line.partition("=")
            plugins.append(Plugin(group, name.strip(), value.strip(), package, version, record.parent.absolute()))
    return package, plugins


def _headers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if not line.strip():
            return
        key, _, value = line.partition(":")
        yield key.lower(), value.strip()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
