"""Which program looks at which rendered files: what the manifests say, and what holds for every script and unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from jinja2 import TemplateError

from labgen.components.registry import MANIFEST
from labgen.errors import UsageError
from labgen.lab.expressions import Expressions, reason
from labgen.lab.model import Lab, Node
from labgen.lab.quoting import shell_quoted
from labgen.render.model import Rendered

UNITS = "/etc/systemd/system/"
SHEBANG = re.compile(r"#! *(?:/usr/bin/env +)?(?:/\S*/)?(bash|dash|sh|python3)(?=\s)")
READERS = {"bash": "bash -n", "dash": "dash -n", "sh": "sh -n", "python3": "python3 -m ast"}
"""How each interpreter reads a script without running it."""


@dataclass(frozen=True)
class NodeFile:
    """A file as it will be on a node. source: where it is on the controller."""

    component: str
    path: str
    mode: str
    owner: str
    text: str
    source: Path


@dataclass(frozen=True)
class FileCheck:
    """One validator's look at some files of one node, and of all others on which they are the same.

    title: the command in a few words. run: the command as `lint.sh` takes it. warns: what it says stops
    nothing.
    """

    nodes: tuple[str, ...]
    title: str
    run: str
    files: tuple[NodeFile, ...]
    warns: bool = False


def node_files(lab: Lab, node: Node, rendered: Rendered, root: Path) -> tuple[NodeFile, ...]:
    """All that labgen will put on NODE: the rendered files, which are (or would be) below ROOT, and step scripts."""
    found = []
    for component in node.components:
        home = f"nodes/{node.name}/{component}"
        for line in rendered[f"{home}/files.list"].text.splitlines():
            mode, owner, path = line.split(" ", 2)
            source = f"{home}/files{path}"
            found.append(NodeFile(component, path, mode, owner, rendered[source].text, root / source))
        for name, text in sorted(lab.components[component].scripts.items()):
            path = f"/opt/labgen/components/{component}/{name}"
            script = lab.components[component].folder / name
            found.append(NodeFile(component, path, "0755", "root:root", text, script))
    return tuple(found)


def checks_of(lab: Lab, files: dict[str, tuple[NodeFile, ...]]) -> list[FileCheck]:
    """What is to be checked on the nodes in FILES, all of one image; what would be the same on several is done once.

    Raises UsageError for a validator whose command cannot be worked out.
    """
    found: dict[tuple[str, tuple[tuple[str, ...], ...]], FileCheck] = {}
    for name, own in files.items():
        for title, run, read, warns in _looks(lab, lab.node(name), own):
            key = (run, tuple((file.path, file.mode, file.owner, file.text) for file in read))
            before = found.get(key)
            found[key] = FileCheck(
                (*before.nodes, name) if before else (name,), title, run, before.files if before else read, warns
            )
    return list(found.values())


Look = tuple[str, str, tuple[NodeFile, ...], bool]
"""Title, command and files of a check on one node, and whether it only warns."""


def _looks(lab: Lab, node: Node, files: tuple[NodeFile, ...]) -> Iterator[Look]:
    yield from _scripts(files)
    units = tuple(file for file in files if file.path.startswith(UNITS))
    if units:
        yield "systemd-analyze verify", f"verify_units {_words(units)}", units, False
    expressions = Expressions(lab)
    for component in node.components:
        for validator in lab.components[component].manifest.validators:
            read = tuple(file for file in files if any(fnmatchcase(file.path, like) for like in validator.files))
            if not read:
                continue
            try:
                run = expressions.text(validator.run, node, component).strip()
            except TemplateError as error:
                raise UsageError(
                    f"the validator '{validator.run}' of {component} cannot be worked out on {node.name}: "
                    f"{reason(error)}",
                    where=lab.components[component].folder / MANIFEST,
                ) from None
            if run:
                yield run, run, read, validator.level == "warning"


def _scripts(files: Iterable[NodeFile]) -> Iterator[Look]:
    """Every file that says by its first line who is to run it."""
    by_reader: dict[str, list[NodeFile]] = {}
    for file in files:
        if shebang := SHEBANG.match(file.text):
            by_reader.setdefault(READERS[shebang[1]], []).append(file)
    for reader, scripts in by_reader.items():
        yield reader, f"parse '{reader}' {_words(scripts)}", tuple(scripts), False


def _words(files: Iterable[NodeFile]) -> str:
    return " ".join(shell_quoted(file.path) for file in files)
