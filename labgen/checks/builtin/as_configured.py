"""Whether what overrides want is what the running programs say they go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labgen.checks.builtin.patroni import PORT
from labgen.checks.builtin.postgresql import local_sql
from labgen.checks.builtin.settings import same_setting
from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count
from labgen.lab.expressions import at_key
from labgen.lab.model import Lab, Node
from labgen.overrides.assignment import leaves
from labgen.reading import parse_json

Wanted = dict[str, Any]
Told = Mapping[str, tuple[str, str, bool]]
"""Setting → value, its unit, and whether a restart is pending."""
GUCS = "select name, translate(setting, chr(10), ' '), coalesce(unit, ''), pending_restart from pg_settings order by 1"
# As the process's own user: root in a container may not look.
ENVIRON = (
    """pid=$(pidof -s etcd) && runuser -u "$(stat -c %U "/proc/$pid")" -- cat "/proc/$pid/environ" | tr '\\0' '\\n'"""
)
DCS = ("ttl", "loop_wait", "retry_timeout", "maximum_lag_on_failover", "synchronous_mode")


@dataclass(frozen=True)
class AskedProgram:
    """A program that can be asked what it goes by. wanted: setting → value, as overrides have it on a node of a lab."""

    component: str
    wanted: Callable[[Lab, Node], Wanted]
    command: Callable[[Node], str]
    read: Callable[[str], Told]


def given(lab: Lab, node: Node, component: str, parameter: str) -> Iterator[str]:
    """The keys of a parameter that is a map, or the parameter itself, that overrides gave a value on NODE."""
    for begin in ((), ("nodes", node.name)):
        whole = (*begin, component, parameter)
        for path in lab.origins:
            if path[: len(whole)] == whole:
                values = node.settings[component][parameter]
                yield from path[len(whole) :][:1] or (values if isinstance(values, Mapping) else (parameter,))


def _gucs(lab: Lab, node: Node) -> Wanted:
    found: Wanted = {}
    for parameter in ("shared_parameters", "parameters"):
        values = node.settings["patroni"][parameter]
        found |= {name: values[name] for name in given(lab, node, "patroni", parameter) if name in values}
    return found


def _dynamic(lab: Lab, node: Node) -> Wanted:
    """What the cluster's configuration is to hold; null means that it does not."""
    settings = node.settings["patroni"]
    found = {name: settings[name] for name in DCS if any(given(lab, node, "patroni", name))}
    tree = at_key(node.config.get("patroni"), "bootstrap.dcs") or {}
    return found | {".".join(path): value for path, value in leaves(tree) if path}


def _ini(lab: Lab, node: Node) -> Wanted:
    settings = node.settings["pgbouncer"]
    own = ((name, value) for name, value in settings.items() if any(given(lab, node, "pgbouncer", name)))
    changed = at_key(node.config.get("pgbouncer"), "pgbouncer") or {}
    return {"listen_port" if name == "port" else name: value for name, value in own} | changed


def _environment(_lab: Lab, node: Node) -> Wanted:
    return dict(node.config.get("etcd", {}))


def _read_gucs(text: str) -> Told:
    rows = [line.rsplit("|", 2) for line in text.splitlines() if line.count("|") > 2]
    if not rows:
        raise Unknown("pg_settings has no rows")
    return {
        first.partition("|")[0].lower(): (first.partition("|")[2], unit, pending == "t")
        for first, unit, pending in rows
    }


def _read_dynamic(text: str) -> Told:
    try:
        document = parse_json(text)
    except ValueError as why:
        raise Unknown(f"REST /config answers {text.strip()[:80]!r}") from why
    return _plain((".".join(path), _word(value)) for path, value in leaves(document) if path)


def _read_ini(text: str) -> Told:
    rows = [line.split("|") for line in text.splitlines() if line.count("|") > 1]
    if not rows:
        raise Unknown(f"PgBouncer answers {text.strip()[:80]!r}")
    return _plain((row[0], row[1]) for row in rows)


def _read_environment(text: str) -> Told:
    pairs = (line.partition("=") for line in text.splitlines())
    return _plain((name, value) for name, equals, value in pairs if equals)


def _plain(values: Iterable[tuple[str, str]]) -> Told:
    return {name: (value, "", False) for name, value in values}


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_word, value))
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _admin(node: Node) -> str:
    """PgBouncer lets its own user in by its socket, to look."""
    port = node.settings["pgbouncer"]["port"]
    return f"runuser -u postgres -- psql -XAtq -h /run/postgresql -p {port} -U pgbouncer -d pgbouncer -c 'show config'"


SOURCES = (
    AskedProgram("patroni", _gucs, lambda _: local_sql(GUCS), _read_gucs),
    AskedProgram(
        "patroni", _dynamic, lambda node: f"curl -sS --max-time 5 http://{node.address}:{PORT}/config", _read_dynamic
    ),
    AskedProgram("pgbouncer", _ini, _admin, _read_ini),
    AskedProgram("etcd", _environment, lambda _: ENVIRON, _read_environment),
)


def wants_anything(lab: Lab) -> bool:
    """Whether LAB has overrides whose values some program can be asked for."""
    return any(source.wanted(lab, node) for source in SOURCES for node in lab.nodes_with(source.component))


def judge_settings(node: str, wanted: Wanted, told: Told) -> list[str]:
    """Where what is WANTED on NODE is not what a program TOLD; None is for what is to be away."""
    faults = []
    for name, value in wanted.items():
        text, unit, pending = told.get(name) or told.get(name.lower()) or (None, "", False)
        if value is None:
            faults += [f"{node}: {name} is {text}, and was to be away"] if text else []
        elif text is None:
            faults.append(f"{node}: {name} is not there, and was to be {_word(value)}")
        elif not same_setting(_word(value), text, unit):
            restart = ", until PostgreSQL is restarted" if pending else ""
            faults.append(f"{node}: {name} is {text}{unit}, not {_word(value)}{restart}")
    return faults


def _ask(context: Context) -> CheckOutcome:
    lab = context.lab
    faults: list[str] = []
    silent: list[str] = []
    number = 0
    for source in SOURCES:
        nodes = [node for node in lab.nodes_with(source.component) if source.wanted(lab, node)]
        answers = context.each(nodes, source.command)
        for name, told in answers.read(source.read).items():
            wanted = source.wanted(lab, lab.node(name))
            number += len(wanted)
            faults += judge_settings(name, wanted, told)
        silent += [*answers.faults.values(), *answers.silent.values()]
    return CheckOutcome.of(f"{count(number, 'value')} of overrides in force", faults=faults, unknown=silent)


CHECK = Check("as-configured", "The programs go by the values that overrides give", _ask)
