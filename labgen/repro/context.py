"""What a reproduction plays on: a lab that runs, who was who when the actions began, and how its nodes are asked."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from labgen.checks import Evidence
from labgen.checks.context import Context, NodeSessions, Secrets, Unknown
from labgen.cluster.probes import cluster_state_of
from labgen.cluster.state import ClusterState
from labgen.errors import LabgenError
from labgen.faults.targets import find_targets
from labgen.lab.model import Lab, Node
from labgen.operations import Patroni
from labgen.redact import Redactor
from labgen.repro.targets import NOW
from labgen.system.connection import CommandResult, Connection
from labgen.system.parallel import in_parallel

TIMEOUT = 5.0
"""Seconds that Patroni may take to answer about itself."""
CURSOR = "journalctl --quiet --no-pager --lines=1 --show-cursor --output=cat | sed -n 's/^-- cursor: //p'"

# Looked at as the process's own user: root in a container may not. O_APPEND is 02000 in the flags.
APPENDED = r"""
for pid in $(ps -e -o pid= -o unit= | awk -v unit=UNIT '$2 == unit || $2 == unit ".service" { print $1 }'); do
    owner=$(stat -c %U "/proc/$pid" 2>/dev/null) || continue
    runuser -u "$owner" -- sh -c '
        cd "/proc/$1/fd" 2>/dev/null && ls >/dev/null 2>&1 || { [ ! -e "/proc/$1/stat" ]; exit; }
        grep -lE "^flags:[[:space:]]+[0-7]*[2367][0-7]{3}$" ../fdinfo/* 2>/dev/null | while read -r entry; do
            path=$(readlink "${entry##*/}") && [ -f "$path" ] && stat --format="%s %n" "$path"
        done
        true' sh "$pid" || exit
done
"""


def appended_by(unit: str) -> str:
    """A command that prints the size and the path of each file that the processes of UNIT write logs to.

    It fails if it may not look.
    """
    return APPENDED.replace("UNIT", shlex.quote(unit))


@dataclass
class TryContext:
    """One try on one lab. WORLD: who was who when it began; None before there is a cluster.

    cursors: node → where its journal ended then. sizes: node and file → bytes that the file had. written: node and unit
    → the files that it wrote logs to. timelines: member → the one that it was on.
    """

    lab: Lab
    secrets: Secrets
    nodes: Mapping[str, Connection]
    patroni: Patroni
    cluster: ClusterState | None = None
    cursors: dict[str, str] = field(default_factory=dict)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    written: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    timelines: dict[str, int] = field(default_factory=dict)
    zero: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.zero

    def hide(self, text: str) -> str:
        return Redactor(self.secrets)(text)

    def find(self, word: str) -> tuple[Node, ...]:
        """The nodes that WORD means; raises OperationError if the lab has nothing like it, or nobody leads."""
        if any(node.name == word for node in self.lab.nodes):
            return (self.lab.node(word),)
        cluster = self.cluster
        if word.endswith(NOW) or cluster is None:
            cluster = self.look()
        return tuple(self.lab.node(name) for name in find_targets(word.removesuffix(NOW), cluster))

    def look(self) -> ClusterState:
        """Who is who now; raises OperationError if there is no single leader."""
        return cluster_state_of(self.lab, self.nodes, self.patroni)

    def environment(self, node: Node) -> dict[str, str]:
        """What commands of the user's find in their environment."""
        values = {"LABGEN_NODE": node.name, "LABGEN_ADDRESS": node.address}
        if self.cluster:
            leader, replicas = self.lab.node(self.cluster.leader), self.cluster.replicas
            values |= {"LABGEN_LEADER": leader.name, "LABGEN_LEADER_ADDRESS": leader.address}
            values["LABGEN_LEADER_MEMBER"] = self.lab.member(leader)
            if replicas:
                replica = self.find("replica")[0]
                values |= {"LABGEN_REPLICA": replica.name, "LABGEN_REPLICA_ADDRESS": replica.address}
                values["LABGEN_REPLICA_MEMBER"] = self.lab.member(replica)
        return values


def begin(
    lab: Lab,
    secrets: Secrets,
    nodes: Mapping[str, Connection],
    files: Iterable[tuple[str, str]],
    units: Iterable[tuple[str, str]] = (),
    *,
    cluster: bool,
) -> TryContext:
    """LAB as it is now. FILES, UNITS: whose logs will be asked for, as word for a node and path, or unit.

    cluster: whether there is one already. Raises OperationError or NodeError if the lab cannot be looked at.
    """
    scene = TryContext(lab, secrets, nodes, Patroni(lab, nodes, TIMEOUT))
    if cluster:
        scene.cluster = scene.look()
        told = scene.patroni.statuses()
        scene.timelines = {name: int(status.get("timeline") or 0) for name, status in told.items()}

    def cursor(name: str) -> str:
        return nodes[name].run(CURSOR, timeout=30).stdout.strip()

    scene.cursors, silent = in_parallel(cursor, [node.name for node in lab.nodes])
    for why in silent.values():
        raise why
    for word, path in files:
        for node in _meant(scene, word):
            size = nodes[node.name].run(f"stat --format=%s {shlex.quote(path)} 2>/dev/null", timeout=30).stdout.strip()
            scene.sizes[node.name, path] = int(size) if size.isdecimal() else 0
    for word, unit in dict.fromkeys(units):
        for node in _meant(scene, word):
            listed = nodes[node.name].run(appended_by(unit), timeout=30).stdout.splitlines()
            found = {path: int(size) for size, _, path in (line.partition(" ") for line in listed) if size.isdecimal()}
            scene.written[node.name, unit] = tuple(found)
            scene.sizes |= {(node.name, path): size for path, size in found.items()}
    return scene


def _meant(scene: TryContext, word: str) -> tuple[Node, ...]:
    """The nodes that WORD may mean when it is asked: one that is decided later may mean any of them."""
    late = word.endswith(NOW) or (scene.cluster is None and not any(node.name == word for node in scene.lab.nodes))
    return scene.lab.nodes if late else scene.find(word)


@dataclass
class Recorder:
    """Asks nodes, and keeps every answer as evidence. ENDS: monotonic time after which nothing more is asked."""

    scene: TryContext
    ends: float
    evidence: list[Evidence] = field(default_factory=list)
    _lines: NodeSessions | None = None

    def ask(
        self, node: Node, command: str, *, shown: str | None = None, stdin: str | None = None, within: float = 60
    ) -> CommandResult:
        """Run COMMAND on NODE as root; raises Unknown if no answer comes. SHOWN: how evidence has the command."""
        self._lines = self._lines or NodeSessions(self.scene.nodes)
        ends = min(self.ends, time.monotonic() + within)
        context = Context(self.scene.lab, self.scene.secrets, self._lines, ends=ends)
        try:
            return context.run(node.name, command, stdin, timeout=within)
        finally:
            for piece in context.evidence:
                self.evidence.append(piece if shown is None else replace(piece, command=self.scene.hide(shown)))

    def trim(self, stdout: str) -> None:
        """Of the last answer only STDOUT is worth keeping."""
        self.evidence[-1] = replace(self.evidence[-1], stdout=self.scene.hide(stdout))


def as_user(scene: TryContext, node: Node, user: str, command: str) -> str:
    """A command that runs the shell text COMMAND as USER on NODE, with what it may want to know in its environment."""
    values = [f"{name}={shlex.quote(value)}" for name, value in scene.environment(node).items()]
    words = f"env {' '.join(values)} bash -c {shlex.quote(command)}"
    return f"cd / && {words}" if user == "root" else f"cd / && runuser -u {shlex.quote(user)} -- {words}"


def reached(work: Callable[[], tuple[Node, ...]]) -> tuple[Node, ...]:
    """The nodes that WORK finds; raises Unknown where it finds none."""
    try:
        return work()
    except LabgenError as why:
        raise Unknown(why.what) from why
