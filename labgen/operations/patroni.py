"""Patroni of a lab that runs, through its REST API, asked on the nodes themselves.

The API is the same from Patroni 2.0 to 4.1; patronictl's words and options are not. Calls that change something need
the lab's password: curl reads it from a file on the node that only root can read.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from labgen.checks.builtin.patroni import PORT
from labgen.checks.builtin.postgresql import local_sql
from labgen.checks.context import Unknown
from labgen.errors import LabgenError, NodeError, OperationError, UnknownNameError
from labgen.lab.model import Lab, Node
from labgen.operations.view import View, parse_view
from labgen.reading import parse_json
from labgen.system.connection import CommandResult, Connection
from labgen.system.parallel import in_parallel
from labgen.system.waiting import WaitTimeout, wait_until

T = TypeVar("T")

PASSWORD = "/etc/patroni/rest-api.curl"  # noqa: S105 - a file's name
TIMED_OUT = 28
"""curl's exit code."""
POLL = 0.5
"""Seconds between two looks at the cluster."""


class Patroni:
    """The cluster of one lab. Raises OperationError, or NodeError where nobody can be asked."""

    def __init__(self, lab: Lab, connections: Mapping[str, Connection], timeout: float = 10) -> None:
        """TIMEOUT: seconds that a question may take; a Patroni that waits for its DCS takes for ever."""
        self.lab = lab
        self._timeout = timeout
        self._connections = connections
        self._nodes = {node.name: node for node in lab.nodes_with("patroni")}
        if not self._nodes:
            raise OperationError(f"the lab {lab.name} has no Patroni", where=lab.name)
        self._first = next(iter(self._nodes))

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    def known(self, name: str) -> str:
        """NAME, if it is a node with Patroni; raises UnknownNameError."""
        self.lab.node(name)
        if name not in self._nodes:
            raise UnknownNameError("node with Patroni", name, self._nodes, where=f"lab {self.lab.name}")
        return name

    def member(self, name: str) -> str:
        """The name that Patroni on the node NAME goes by."""
        return self.lab.member(self._nodes[name]) if name in self._nodes else name

    def view(self) -> View:
        """The cluster as some Patroni sees it: the one that answered last, else the first of the others that does."""
        try:
            return self._view(self._first)
        except LabgenError as why:
            silent = {self._first: why}
        views, errors = in_parallel(self._view, [name for name in self._nodes if name != self._first])
        for self._first, view in views.items():
            return view
        silent |= errors
        lab = self.lab.name
        raise OperationError(
            "no Patroni tells what the cluster looks like",
            where=lab,
            detail=[silent[name].what for name in self._nodes],
            cure=f"labgen status {lab} shows which nodes run, labgen up {lab} starts what is down;\n"
            f"a Patroni that waits for its DCS is silent too: labgen verify {lab} -v shows how that is",
        )

    def statuses(self) -> dict[str, dict[str, Any]]:
        """What each Patroni that answers says of itself."""
        told, _ = in_parallel(self.status, self._nodes)
        return {name: told[name] for name in self._nodes if name in told}

    def config(self, name: str | None = None) -> dict[str, Any]:
        """The cluster's configuration in the DCS, as Patroni on NAME knows it."""
        return self._document(name or self._first, "config")

    def status(self, name: str) -> dict[str, Any]:
        """What Patroni on the node NAME says of itself and its PostgreSQL."""
        return self._document(name, "patroni")

    def takes_writes(self, name: str) -> bool:
        """Whether PostgreSQL on the node NAME is running and not in recovery, by its own word."""
        status = self.status(name)
        return status.get("role") in ("primary", "master") and status.get("state") == "running"

    def streaming(self, leader: str) -> set[str]:
        """The nodes whose members PostgreSQL on LEADER sees streaming from it."""
        replication = self.status(leader).get("replication") or ()
        names = (str(entry["application_name"]) for entry in replication if entry.get("state") == "streaming")
        return {self.lab.members.get(name, name) for name in names}

    def slots(self, leader: str) -> tuple[str, ...]:
        """The names of the replication slots on LEADER."""
        return tuple(self.run(leader, local_sql("select slot_name from pg_replication_slots"), 60).split())

    def patch(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change the cluster's configuration, through the node NAME; None takes a value away."""
        self._change(name, "PATCH", "config", changes, 30)

    def post(self, name: str, path: str, body: Mapping[str, Any], timeout: float) -> str:
        """Ask Patroni on NAME to do something; its answer, or OperationError with it if it is a no."""
        return self._change(name, "POST", path, body, timeout)

    def get(self, name: str, path: str) -> str:
        code, text = self._ask(name, path, "", None, self._timeout)
        if code != 200:
            raise OperationError(f"{name}: GET /{path} is answered with {_said(code, text)}", where=self.lab.name)
        return text

    def run(self, name: str, command: str, timeout: float) -> str:
        """What COMMAND prints, run as root on the node NAME; raises OperationError if it fails."""
        result = self._run(self.lab.node(name), command, None, timeout)
        if not result.ok:
            said = _line(result.stderr or result.stdout) or f"exit code {result.rc}"
            raise OperationError(f"{name}: {said}", where=self.lab.name)
        return result.stdout

    def _view(self, name: str) -> View:
        try:
            return parse_view(self.get(name, "cluster")).by_node(self.lab.members)
        except Unknown as why:
            raise OperationError(f"{name}: {why}", where=self.lab.name) from None

    def _document(self, name: str, path: str) -> dict[str, Any]:
        text = self.get(name, path)
        try:
            document: Any = parse_json(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise OperationError(f"{name}: GET /{path} is answered with {_line(text)}", where=self.lab.name)
        return document

    def _change(self, name: str, method: str, path: str, body: Mapping[str, Any], timeout: float) -> str:
        options = f"--config {PASSWORD} --request {method} --data @- --header 'Content-Type: application/json' "
        code, text = self._ask(name, path, options, json.dumps(body), timeout)
        if code not in (200, 202):
            raise OperationError(
                f"Patroni on {name} says no to {method} /{path}: {_said(code, text)}",
                where=self.lab.name,
                cure=f"labgen logs {self.lab.name} {name} -u patroni shows what it was doing",
            )
        return text

    def _ask(self, name: str, path: str, options: str, stdin: str | None, timeout: float) -> tuple[int, str]:
        """Status and text of an HTTP answer."""
        node = self._nodes[name]
        url = shlex.quote(f"http://{node.address}:{PORT}/{path}")
        command = f"curl --silent --show-error --max-time {timeout:.0f} {options}--write-out '\\n%{{http_code}}' {url}"
        result = self._run(node, command, stdin, timeout + 20)
        if result.rc == TIMED_OUT:
            raise OperationError(
                f"Patroni on {name} does not answer within {timeout:.0f} seconds",
                where=self.lab.name,
                cure=f"it may be waiting for its DCS: labgen verify {self.lab.name} -v shows how that is",
            )
        if not result.ok:
            raise OperationError(
                f"Patroni on {name} does not answer: {_line(result.stderr)}",
                where=self.lab.name,
                cure=f"is it stopped? labgen exec {self.lab.name} {name} -- systemctl start patroni\n"
                f"else look why: labgen logs {self.lab.name} {name} -u patroni",
            )
        text, _, code = result.stdout.rpartition("\n")
        return int(code) if code.isdecimal() else 0, text

    def _run(self, node: Node, command: str, stdin: str | None, timeout: float) -> CommandResult:
        data = None if stdin is None else stdin.encode()
        if node.name not in self._connections:
            raise NodeError(f"{node.name} is not running", cure=f"labgen up {self.lab.name}")
        return self._connections[node.name].run(command, stdin=data, timeout=timeout)


def until(what: str, seconds: float, found: Callable[[], T | None], *, lab: str) -> T:
    """What FOUND gives, as soon as it gives something; raises OperationError if WHAT has not come within SECONDS."""
    try:
        # A node may well be silent for a moment while its role changes.
        return wait_until(what, found, seconds, poll=POLL, forgive=LabgenError)
    except WaitTimeout as late:
        raise OperationError(
            late.what,
            where=lab,
            detail=[late.why.what] if isinstance(late.why, LabgenError) else [],
            cure=f"labgen verify {lab} -v shows what is wrong",
        ) from None


def _said(code: int, text: str) -> str:
    """A no in its own words; an error page has none."""
    words = "" if text.lstrip().startswith("<") else _line(text)
    return words or f"status {code}"


def _line(text: str) -> str:
    """The last line that says something, without control characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "".join(char for char in (lines[-1] if lines else "") if char.isprintable())[:200]
