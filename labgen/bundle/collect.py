"""Asks the nodes of a lab, all at the same time, for what a bundle holds of them; each question has an end."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from jinja2 import TemplateError

from labgen.bundle.entries import FIELDS, Entry, read_journal, read_log_file, steps
from labgen.bundle.timeline import Clock, line_of
from labgen.errors import LabgenError, NodeError
from labgen.lab.expressions import Expressions, reason
from labgen.lab.model import Lab, Node
from labgen.provision.clock import wall_clock
from labgen.system.connection import CommandResult, Connection
from labgen.system.parallel import in_parallel

TIMEOUT = 30.0
"""Seconds that one command may take."""
ALL = 180.0
"""Seconds after which a node is asked nothing more."""
AT_ONCE = 4
"""Commands at a time on one node."""
LARGEST = 2 << 20
"""Bytes of one command's output, or of one log file, that are kept."""
LARGEST_JOURNAL = 32 << 20
MOST_FILES = 40
"""Log files of one node."""
CONFIG = "/etc/patroni/config.yml"
REST = ("cluster", "config", "patroni", "history")

# Each is a list of commands whose output goes into one file, one after the other.
SYSTEM: Mapping[str, tuple[str, ...]] = {
    "system.txt": ("uname -a", "cat /etc/os-release", "uptime", "free -m", "df -h", "systemctl is-system-running"),
    "units.txt": (
        "systemctl list-units --failed --full --no-pager",
        "systemctl list-units --all --full --no-pager --type=service,timer,socket,target",
    ),
    "network.txt": ("ip -details address", "ip route", "ip neighbour", "ss -tanp"),
    "processes.txt": ("ps -eww -o user,pid,ppid,stat,lstart,rss,args --forest",),
}
CLUSTER = "cluster"
CTL = ("list", "history", "show-config")
"""What patronictl is asked, on one node that can tell."""
PACKAGES = "packages.txt"
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]* \S+ [a-z0-9-]+")
_PACKAGES = "dpkg-query --show --showformat '${Package} ${Version} ${Architecture}\\n'"
# Wheels of a chosen version, which dpkg does not know.
_WHEELS = 'for pip in /opt/*/bin/pip; do [[ -x $pip ]] || continue; echo "# $pip"; "$pip" list --format=freeze; done'
# Log files that programs keep themselves; what apt and dpkg wrote while the image was made says nothing about a lab.
_FILES = r"""
shopt -s nullglob
folders=("$@")
for list in /var/lib/postgresql/*/*/current_logfiles; do
    while read -r _ path; do
        if [[ $path != /* ]]; then path=${list%/*}/$path; fi
        folders+=("${path%/*}")
    done <"$list"
done
{
    for folder in "${folders[@]}"; do
        find "$folder" -xdev -type f -size +0 -regex '.*[.]\(log\|csv\|json\)\([.][0-9]+\)?' -printf '%T@ %p\n'
    done
    find /var/log -xdev \( -path /var/log/journal -o -path /var/log/apt \) -prune -o -type f -size +0 \
        ! \( -name '*.gz' -o -name 'dpkg.log*' -o -name 'alternatives.log*' -o -name bootstrap.log \
        -o -name lastlog -o -name faillog -o -name '[bw]tmp*' \) -printf '%T@ %p\n'
} 2>/dev/null | sort -rn | cut -d' ' -f2- | awk '!seen[$0]++'
"""
_SAFE = re.compile(r"(/[A-Za-z0-9_@+=,:-][A-Za-z0-9._@+=,:-]*)+")


@dataclass
class Collected:
    """What one node gave. files: path in the bundle → text. notes: what is not whole.

    packages: what is installed, as `NAME VERSION ARCHITECTURE`.
    """

    files: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    clock: Clock | None = None
    packages: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Question:
    file: str
    command: str
    largest: int = LARGEST
    newest: bool = False


def collect(
    lab: Lab,
    connections: Mapping[str, Connection],
    rendered: Path,
    since: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Collected], dict[str, str]]:
    """What each node of LAB that answers gives, and of the others why they do not.

    since: seconds since the epoch before which logs are left out.
    """
    away = {node.name: "it does not run" for node in lab.nodes if node.name not in connections}

    def ask(name: str) -> Collected:
        found = _Asked(lab, lab.node(name), connections, rendered, since).all()
        progress(f"{name}: {len(found.entries)} log entries, {len(found.files)} files")
        return found

    found, errors = in_parallel(ask, [node.name for node in lab.nodes if node.name not in away])
    away |= {name: error.what for name, error in errors.items()}
    order = [node.name for node in lab.nodes]
    return {name: found[name] for name in order if name in found}, {name: away[name] for name in order if name in away}


def packages_in(text: str) -> tuple[str, ...]:
    """The packages that a node's packages.txt names, as `NAME VERSION ARCHITECTURE`."""
    return tuple(line for line in text.splitlines() if _PACKAGE.fullmatch(line))


def installed(connections: Mapping[str, Connection]) -> dict[str, tuple[str, ...]]:
    """Node → its packages; a node that gives no answer is left out."""
    told, _ = in_parallel(lambda name: connections[name].run(_PACKAGES, timeout=TIMEOUT).stdout, connections)
    return {name: packages_in(text) for name, text in told.items()}


def ask_patronictl(lab: Lab, connections: Mapping[str, Connection], nodes: Iterable[str]) -> dict[str, str]:
    """What patronictl says of the cluster, on the first of NODES that can tell; path in the bundle → text."""
    told: dict[str, str] = {}
    for name in nodes:
        if lab.node(name) not in lab.member_nodes:
            continue
        answers = _patronictl(connections[name])
        told = {f"{CLUSTER}/{what}.txt": text for what, (_, text) in answers.items()}
        if not any(rc for rc, _ in answers.values()):
            break  # else its DCS may be out of reach from here: another may do better
    return told


def _patronictl(connection: Connection) -> dict[str, tuple[int, str]]:
    """Exit code and words of each question, all asked at once."""

    def ask(what: str) -> tuple[int, str]:
        done = connection.run(f"timeout 20 patronictl -c {CONFIG} {what} 2>&1", timeout=TIMEOUT)
        return done.rc, done.stdout + (f"[exit {done.rc}]\n" if done.rc else "")

    told, errors = in_parallel(ask, CTL)
    return {what: told.get(what) or (1, f"[{errors[what].what}]\n") for what in CTL}


class _Asked:
    """One node under question."""

    def __init__(
        self, lab: Lab, node: Node, connections: Mapping[str, Connection], rendered: Path, since: float | None
    ) -> None:
        self._lab, self._node, self._connections, self._since = lab, node, connections, since
        self._lost: NodeError | None = None
        self._rendered = rendered / "nodes" / node.name
        self._home = f"nodes/{node.name}"
        self._found = Collected()
        self._ends = time.monotonic() + ALL

    def all(self) -> Collected:
        """Everything; raises NodeError when the node does not let us in or is lost at once."""
        found = self._found
        offset, error = wall_clock(self._connections[self._node.name], self._node.name)
        zone = self._zone()
        journal = _Question(f"{self._home}/journal.log", self._journal(offset), LARGEST_JOURNAL, newest=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            logs = pool.submit(self._logs, offset, zone)
            own = pool.submit(self._run, journal)
            answers = list(pool.map(lambda question: (question, self._run(question)), self._questions()))
            found.entries = read_journal(own.result().splitlines(), self._node.name)
            entries, files = logs.result()
        found.files[journal.file] = "".join(f"{line_of(entry)}\n" for entry in found.entries)
        found.files |= {question.file: text for question, text in answers} | files
        found.packages = packages_in(found.files[f"{self._home}/{PACKAGES}"])
        found.clock = Clock(offset, error, zone.total_seconds(), tuple(steps(found.entries)))
        found.entries += entries
        return found

    def _zone(self) -> timedelta:
        told = self._run(_Question("zone", "date +%z")).strip()
        if not re.fullmatch(r"[+-]\d{4}", told):
            return timedelta()
        minutes = int(told[1:3]) * 60 + int(told[3:])
        return timedelta(minutes=-minutes if told[0] == "-" else minutes)

    def _journal(self, offset: float) -> str:
        since = "" if self._since is None else f" --since=@{self._since - offset:.0f}"
        return f"journalctl --quiet --no-pager --all --output=json --output-fields={','.join(FIELDS)}{since}"

    def _questions(self) -> list[_Question]:
        asked = [_Question(f"{self._home}/{file}", _in_turn(commands)) for file, commands in SYSTEM.items()]
        asked.append(_Question(f"{self._home}/{PACKAGES}", f"{_PACKAGES}; {_WHEELS}"))
        expressions = Expressions(self._lab)
        for component in self._node.components:
            for item in self._lab.components[component].manifest.collect:
                try:
                    command = expressions.text(item.run, self._node, component)
                except TemplateError as error:
                    self._found.notes.append(f"{component}: {item.file} cannot be collected: {reason(error)}")
                    continue
                asked.append(_Question(f"{self._home}/{component}/{item.file}", command))
        if self._node in self._lab.member_nodes:
            api = f"http://{self._node.address}:8008"
            asked += [
                _Question(f"{CLUSTER}/{self._node.name}/{what}.json", f"curl -sSm 10 {api}/{what}") for what in REST
            ]
        return asked

    def _run(self, question: _Question) -> str:
        """What a command prints, errors too; a command that fails says so in its last line."""
        left = min(TIMEOUT, self._ends - time.monotonic())
        if left <= 0:
            self._found.notes.append(f"{question.file}: no time was left for it")
            return ""
        cut = f"{'tail' if question.newest else 'head'} --bytes={question.largest}"
        command = f"({question.command}\n) 2>&1 | {cut}; exit ${{PIPESTATUS[0]}}"
        try:
            done = self._asked(command, left)
        except LabgenError as error:
            self._found.notes.append(f"{question.file}: {error.what}")
            return f"[{error.what}]\n"
        if len(done.stdout) >= question.largest:
            part = "the last" if question.newest else "the first"
            self._found.notes.append(f"{question.file}: {part} {question.largest >> 20} MiB of it")
        elif done.rc:
            return f"{done.stdout}[exit {done.rc}]\n"
        return done.stdout

    def _asked(self, command: str, timeout: float) -> CommandResult:
        """What came of COMMAND; asked again if the connection broke under it, and not once the node is out of reach."""
        connection = self._reached()
        try:
            return connection.run(command, timeout=timeout)
        except LabgenError:
            if (again := self._reached()) is connection:
                raise
            return again.run(command, timeout=timeout)

    def _reached(self) -> Connection:
        if self._lost:
            raise self._lost
        try:
            return self._connections[self._node.name]
        except NodeError as error:
            self._lost = error
            raise

    def _logs(self, offset: float, zone: timedelta) -> tuple[list[Entry], dict[str, str]]:
        """The log files that programs keep on the node: their entries, and their texts by path in the bundle."""
        folders = shlex.join(_own_folders(self._rendered / "patroni" / "files" / CONFIG.lstrip("/")))
        listed = self._run(_Question("log files", f"set -- {folders}\n{_FILES}"))
        entries: list[Entry] = []
        files: dict[str, str] = {}
        paths = [path for path in listed.splitlines() if _SAFE.fullmatch(path)]
        for path in paths[:MOST_FILES]:
            text = self._run(_Question(path, f"cat -- {shlex.quote(path)}", newest=True))
            files[f"{self._home}/files{path}"] = text
            own = read_log_file(text, self._node.name, path, zone)
            entries += [entry for entry in own if self._since is None or entry.at + offset >= self._since]
        if len(paths) > MOST_FILES:
            self._found.notes.append(f"{MOST_FILES} of {len(paths)} log files, those that were written last")
        return entries, files


def _in_turn(commands: Sequence[str]) -> str:
    return "\n".join(f"printf '\\n# %s\\n' {shlex.quote(command)}\n{command}" for command in commands)


def _own_folders(config: Path) -> Iterable[str]:
    """Where Patroni's configuration says that its log and PostgreSQL's go, if that is somewhere of their own."""
    try:
        data: Any = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return ()
    data = data if isinstance(data, dict) else {}
    found = [
        (data.get("log") or {}).get("dir"),
        ((data.get("postgresql") or {}).get("parameters") or {}).get("log_directory"),
    ]
    return tuple(path for path in found if isinstance(path, str) and path.startswith("/") and len(path) > 1)
