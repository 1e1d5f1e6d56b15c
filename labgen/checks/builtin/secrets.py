"""Secrets: no ordinary user of a node can read a file that holds one, and none stands in a command line or a log."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count, listed
from labgen.redact import secret_values

# The secrets come in on standard input, one a line, and never show in a command: printf is part of the shell.
_PATTERNS = "patterns=$(cat); patterns() { printf '%s\\n' \"$patterns\"; }; "
# Where files of the lab can be. Left out are programs, package lists and the files of PostgreSQL's tables.
_PLACES = "/etc /home /opt /root /run /srv /tmp /usr/local /var"
_LEFT_OUT = ("apt", "dpkg", "artefacts", "bin", "base", "pg_wal", "journal")


def _bash(script: str) -> str:
    return f"bash -c {shlex.quote(script)}"


FILES_COMMAND = _bash(
    "runuser -u nobody -- true || exit 127; "  # no means to find out
    + _PATTERNS
    + f"grep -rlsF -D skip {' '.join(f'--exclude-dir={name}' for name in _LEFT_OUT)} -f <(patterns) {_PLACES} | "
    "while IFS= read -r file; do "
    'if runuser -u nobody -- test -r "$file"; then who=everyone; else who=owner; fi; '
    'stat -c "%a %U:%G $who %n" "$file" || true; done'
)
PROCESSES_COMMAND = "ps -eww -o user=,comm=,args="
JOURNAL_COMMAND = _bash(
    "journalctl --quiet --no-pager --lines=1 >/dev/null || exit 127; "
    + _PATTERNS
    + "journalctl --quiet --no-pager | grep -F -m 5 -f <(patterns) || true"
)


@dataclass(frozen=True)
class SecretFile:
    """A file that holds a secret of the lab. EXPOSED: the user nobody can read it."""

    path: str
    mode: str
    owner: str
    exposed: bool


def parse_files(text: str) -> tuple[SecretFile, ...]:
    """The files that FILES_COMMAND found."""
    files = []
    for line in text.splitlines():
        row = re.fullmatch(r"([0-7]+) (\S+:\S+) (everyone|owner) (.+)", line)
        if row is None:
            raise Unknown(f"the search printed {line[:80]!r}")
        files.append(SecretFile(row[4], row[1], row[2], row[3] == "everyone"))
    return tuple(files)


def leaked(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """Secret's name → the first line of TEXT that holds it; VALUES is value → name."""
    lines = text.splitlines()
    found = {}
    for value, name in values.items():
        line = next((line for line in lines if value in line), None)
        if line is not None:
            found[name] = line
    return found


def judge_files(node: str, files: tuple[SecretFile, ...]) -> list[str]:
    """Which secret-holding FILES of NODE anybody can read."""
    return [f"{node}: everyone can read {file.path} ({file.mode} {file.owner})" for file in files if file.exposed]


def judge_processes(node: str, text: str, values: Mapping[str, str]) -> list[str]:
    """Which processes of NODE have a secret among their arguments."""
    return [
        f"{node}: {name} stands in the arguments of {line.split()[1]} (user {line.split()[0]})"
        for name, line in leaked(text, values).items()
    ]


def judge_journal(node: str, text: str, values: Mapping[str, str]) -> list[str]:
    """Which secrets stand in NODE's journal."""
    found = leaked(text, values)
    return [f"{node}: the journal holds {listed(found)}"] if found else []


def _ask(context: Context) -> CheckOutcome:
    values = secret_values(context.secrets)
    if not values:
        return CheckOutcome.passed("the lab has no secrets")
    nodes, patterns = context.lab.nodes, "\n".join(values) + "\n"
    files = context.each(nodes, FILES_COMMAND, stdin=patterns, timeout=120)
    processes = context.each(nodes, PROCESSES_COMMAND)
    journals = context.each(nodes, JOURNAL_COMMAND, stdin=patterns, timeout=120)
    found = files.read(parse_files)
    faults = [fault for node, listing in found.items() for fault in judge_files(node, listing)]
    for node, text in processes.outputs.items():
        faults += judge_processes(node, text, values)
    for node, text in journals.outputs.items():
        faults += judge_journal(node, text, values)
    number = sum(map(len, found.values()))
    silent = [] if number else ["no file with a secret was found on any node, so the search itself is in doubt"]
    fine = f"{count(number, 'file')} with secrets, none open to others; none in command lines or journals"
    verdict = CheckOutcome.of(fine, faults=faults, unknown=silent if found else ())
    return files.add(processes.add(journals.add(verdict)))


CHECK = Check("secrets", "No secret can be read, seen in a command line, or found in a log", _ask, settles=False)
