"""How each kind of question is asked on one node, and whether the answer is what it should be."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from typing import Any, cast

from labgen.checks.builtin.postgresql import application, local_sql, password_and, remote_sql
from labgen.checks.command import json_at
from labgen.checks.context import Unknown, complaint
from labgen.checks.wording import count
from labgen.components.manifest import Scalar
from labgen.lab.model import Node
from labgen.patterns import search
from labgen.reading import parse_json
from labgen.repro.context import Recorder, as_user
from labgen.repro.logs import Answer, ask_log
from labgen.repro.model_conditions import STATES, Http, LogLines, Output, Process, Question, Rows, TimelineCondition
from labgen.system.connection import CommandResult

NO_CONNECTION = 2
"""psql's exit code where there is no server, or it hung up."""
NOT_THERE = 127
"""The shell's exit code for a program that it does not find."""
PROCESSES = "ps -e -o pid= -o ppid= -o stat= -o user:32= -o args="
LONGEST_VALUE = 200


def ask(witness: Recorder, node: Node, question: Question) -> Answer:
    """Put QUESTION to NODE; raises Unknown where that cannot be found out."""
    return _KINDS[type(question)](witness, node, question)


def _output(witness: Recorder, node: Node, question: Output) -> Answer:
    command = as_user(witness.scene, node, question.user, question.command)
    done = witness.ask(node, command, shown=question.command, within=question.within)
    faults = []
    if question.exit not in ("any", done.rc):
        faults.append(complaint(done) + ("" if question.exit == 0 else f", not {question.exit}"))
    faults += _text_faults(done.stdout, question.matches, question.lacks)
    faults += _json_faults(done.stdout, question.json_)
    return Answer(not faults, "; ".join(faults) or _first_line(done.stdout) or f"exit {done.rc}")


def _http(witness: Recorder, node: Node, question: Http) -> Answer:
    url = shlex.quote(f"http://{node.address}:{question.port}{question.path}")
    method = "--head" if question.method == "HEAD" else f"--request {question.method}"
    options = f"--silent --show-error --max-time {question.within:g} {method}"
    command = f"curl {options} --write-out '\\n%{{http_code}}' {url}"
    done = witness.ask(node, command, within=question.within + 20)
    if done.rc == NOT_THERE:
        raise Unknown(f"{node.name}: {complaint(done)}")
    if done.rc != 0:
        return Answer(False, f"{url} does not answer: {complaint(done)}")
    text, code = http_answer(witness, done)
    faults = []
    if question.status is not None and code != str(question.status):
        faults.append(f"status {code}, not {question.status}")
    faults += _text_faults(text, question.matches, question.lacks)
    faults += _json_faults(text, question.json_)
    return Answer(not faults, "; ".join(faults) or f"status {code}")


def http_answer(witness: Recorder, done: CommandResult) -> tuple[str, str]:
    """Text and status of what curl got and wrote, `\\n%{http_code}` behind it."""
    text, _, code = done.stdout.rpartition("\n")
    witness.trim(f"{text.rstrip()}\nHTTP {code}".lstrip())
    return text, code


def _process(witness: Recorder, node: Node, question: Process) -> Answer:
    done = witness.ask(node, PROCESSES, within=question.within)
    if done.rc != 0:
        raise Unknown(f"{node.name}: {complaint(done)}")
    found = [line for line in done.stdout.splitlines() if _is_process(line, question)]
    witness.trim("\n".join(found))
    kind = f"{question.state} process" if question.state else "process"
    told = f"1 {kind} that matches" if len(found) == 1 else f"{len(found)} {kind}es that match"
    if found:
        told += f": {_short(' '.join(found[0].split()))}"
    if not question.running:
        return Answer(not found, told)
    most = question.at_most
    if len(found) < question.at_least or (most is not None and len(found) > most):
        wanted = f"at least {question.at_least}" if len(found) < question.at_least else f"at most {most}"
        return Answer(False, f"{told}, not {wanted}")
    return Answer(True, told)


def _is_process(line: str, question: Process) -> bool:
    columns = line.split(None, 4)
    if len(columns) < 5 or search(str(question.matches), columns[4]) is None:
        return False
    return question.state is None or columns[2][0].upper() == STATES[question.state]


def _rows(witness: Recorder, node: Node, question: Rows) -> Answer:
    done = sql(witness, node, question.statement, question.database, question.through, question.within)
    if done.rc == NO_CONNECTION:
        return Answer(False, complaint(done))
    if done.rc != 0:
        # A statement that is wrong says nothing about the bug.
        raise Unknown(f"{node.name}: {complaint(done)}")
    rows = done.stdout.splitlines()
    faults = []
    if "equals" in question.model_fields_set:
        wanted = _as_psql(question.equals)
        if rows != wanted:
            faults.append(f"{_shown_rows(rows)}, not {_shown_rows(wanted)}")
    if question.at_least is not None and len(rows) < question.at_least:
        faults.append(f"{count(len(rows), 'row')}, not at least {question.at_least}")
    if question.at_most is not None and len(rows) > question.at_most:
        faults.append(f"{count(len(rows), 'row')}, not at most {question.at_most}")
    return Answer(not faults, "; ".join(faults) or _shown_rows(rows))


def sql(
    witness: Recorder, node: Node, statement: str, database: str | None, through: str | None, within: float
) -> CommandResult:
    """Run STATEMENT by NODE's own PostgreSQL as the superuser, or THROUGH a path as the application's user."""
    if through is None:
        command = local_sql(statement, database or "postgres")
        return witness.ask(node, f"cd / && {command}", shown=command, within=within)
    lab = witness.scene.lab
    path = next(path for path in lab.blueprint.paths if path.name == through)
    host = next((other.address for other in lab.nodes if other.name == path.host), path.host)
    user = application(lab, witness.scene.secrets)
    command = remote_sql(host, path.port, user.user, database or user.database)
    shown = f"psql -h {host} -p {path.port} -U {user.user} -d {database or user.database} -c {shlex.quote(statement)}"
    return witness.ask(node, command, shown=shown, stdin=password_and(user.password, statement), within=within)


def _timeline(witness: Recorder, node: Node, question: TimelineCondition) -> Answer:
    url = f"http://{node.address}:8008/patroni"
    command = f"curl --silent --show-error --max-time {question.within:g} {url}"
    done = witness.ask(node, command, within=question.within + 20)
    try:
        found = parse_json(done.stdout)["timeline"] if done.rc == 0 else None
    except (ValueError, LookupError, TypeError):
        found = None
    if not isinstance(found, int):
        raise Unknown(f"{node.name}: Patroni does not tell its timeline" + (f": {complaint(done)}" if done.rc else ""))
    before, faults = witness.scene.timelines.get(node.name, 0), []
    if question.equals is not None and found != question.equals:
        faults.append(f"timeline {found}, not {question.equals}")
    if question.grown is not None and (found > before) != question.grown:
        faults.append(f"timeline {found}, and it was {before} when it began")
    return Answer(not faults, "; ".join(faults) or f"timeline {found}")


_KINDS: dict[type, Callable[[Recorder, Node, Any], Answer]] = {
    Output: _output,
    LogLines: ask_log,
    Http: _http,
    Process: _process,
    Rows: _rows,
    TimelineCondition: _timeline,
}


# --- small things -----------------------------------------------------------------------------------------------------


def _text_faults(text: str, matches: str | None, lacks: str | None) -> list[str]:
    faults = []
    if matches is not None and search(matches, text, lines=True) is None:
        faults.append(f"nothing matches {matches}")
    if lacks is not None and (found := search(lacks, text, lines=True)) is not None:
        faults.append(f"there is what should not be: {_short(found)}")
    return faults


def _json_faults(text: str, wanted: dict[str, Any]) -> list[str]:
    if not wanted:
        return []
    try:
        document = parse_json(text)
    except ValueError:
        return ["it is no JSON"]
    faults = []
    for path, value in wanted.items():
        try:
            found = json_at(document, path)
        except LookupError:
            # What is not there is null to whoever asks for nothing.
            if value is not None:
                faults.append(f"there is no {path}")
            continue
        if found != _as_json(value):
            faults.append(f"{path} is {_short(json.dumps(found))}, not {json.dumps(value)}")
    return faults


def _as_json(value: Any) -> Any:
    """VALUE as a JSON document would have it: the reader of our documents makes tuples of lists."""
    if isinstance(value, (tuple, list)):
        return [_as_json(item) for item in value]
    return {key: _as_json(item) for key, item in value.items()} if isinstance(value, dict) else value


def _as_psql(value: Scalar | Sequence[Scalar] | None) -> list[str]:
    """The rows VALUE as `psql -At` prints them: t and f for a boolean, nothing for NULL."""
    rows = list(value) if isinstance(value, (tuple, list)) else [cast(Scalar | None, value)]
    words = {True: "t", False: "f"}
    return ["" if row is None else words[row] if isinstance(row, bool) else str(row) for row in rows]


def _shown_rows(rows: Sequence[str]) -> str:
    if not rows:
        return "no row"
    return f"'{_short(rows[0])}'" if len(rows) == 1 else f"{len(rows)} rows: {_short(', '.join(rows))}"


def _first_line(text: str) -> str:
    return next((_short(line.strip()) for line in text.splitlines() if line.strip()), "")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
