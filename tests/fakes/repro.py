"""The nodes of a small lab, for reproductions: Patroni answers as a real one does, all else is written down before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

from labgen.blueprint.loader import load_blueprint
from labgen.errors import LabgenError, NodeError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.repro.context import TryContext, begin
from labgen.repro.document import reproduction_files
from labgen.system.connection import CommandResult
from tests.fakes.patroni import FakeCluster, FakeNode

PAIR = reproduction_files()["patroni-2445"].parent / "labs" / "pair.yml"
SECRETS = {"patroni": {"rest_password": "rest-secret", "app_password": "app-secret"}}


@dataclass(frozen=True)
class Said:
    """What a command answers; or it raises. BEFORE: what happens first."""

    stdout: str = ""
    rc: int = 0
    stderr: str = ""
    raises: BaseException | None = None
    before: Callable[[], object] = lambda: None


SILENT = Said(raises=NodeError("the connection was lost"))


@dataclass
class ScriptedNode:
    """A node that answers by the first of its words that occurs in a command; each answer of a list once, the last
    one ever after. What no word is in goes to Patroni, and else succeeds in silence.
    """

    patroni: FakeNode | None
    script: dict[str, list[Said]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    stdin: list[str] = field(default_factory=list)

    def says(self, word: str, *answers: Said | str) -> None:
        self.script[word] = [Said(it) if isinstance(it, str) else it for it in answers]

    def run(self, command: str, *, stdin: bytes | BinaryIO | None = None, **_: object) -> CommandResult:
        self.commands.append(command)
        data = stdin if isinstance(stdin, bytes) or stdin is None else stdin.read()
        if data is not None:
            self.stdin.append(data.decode())
        for word, answers in self.script.items():
            if word in command:
                it = answers[0] if len(answers) == 1 else answers.pop(0)
                it.before()
                if it.raises:
                    raise it.raises
                return CommandResult(command, it.rc, it.stdout, it.stderr, 0.0)
        if self.patroni and ":8008/" in command:
            return self.patroni.run(command, stdin=data)
        return CommandResult(command, 0, "", "", 0.0)

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class ScriptedNodes(dict[str, ScriptedNode]):
    """Nodes that are always where they were."""

    def renew(self) -> None: ...

    def wait_for(self, node: str, seconds: float) -> None: ...


@cache
def pair(*overrides: str) -> Lab:
    """The small lab of the reproductions that ship with labgen."""
    return resolve(load_blueprint(PAIR), provider="docker", overrides=overrides)


@dataclass
class Stage:
    """A lab of scripted nodes, led by node1."""

    lab: Lab = field(default_factory=pair)

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.lab)
        known = self.cluster.connections
        self.nodes = ScriptedNodes({it.name: ScriptedNode(known.get(it.name)) for it in self.lab.nodes})
        for name, node in self.nodes.items():
            node.says("--show-cursor", f"s={name}\n")

    def begin(
        self, files: Sequence[tuple[str, str]] = (), units: Sequence[tuple[str, str]] = (), *, cluster: bool = True
    ) -> TryContext:
        return begin(self.lab, SECRETS, self.nodes, files, units, cluster=cluster)


def error_lines(work: Callable[[], object]) -> list[str]:
    """What labgen prints when WORK fails."""
    try:
        work()
    except LabgenError as why:
        return why.lines()
    raise AssertionError("it did not fail")


def write(path: Path, head: Mapping[str, str], body: str) -> Path:
    """A reproduction at PATH, on `etcd-patroni-ops`; HEAD goes over its first keys."""
    keys = {"name": "sample", "title": "A sample", "lab": "etcd-patroni-ops", **head}
    path.write_text("".join(f"{key}: {value}\n" for key, value in keys.items()) + body)
    return path
