"""Which checks there are, and which of them a lab gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from labgen.checks.builtin.as_configured import wants_anything
from labgen.checks.command import command_check
from labgen.checks.context import Check, Context
from labgen.checks.model import CheckOutcome
from labgen.components.manifest import CommandCheck
from labgen.errors import PluginError, UnknownNameError
from labgen.lab.model import Lab
from labgen.plugins import CHECKS, load_plugin, plugin_names

ALWAYS = ("services", "secrets", "ports")
AS_CONFIGURED = "as-configured"


def check_names() -> tuple[str, ...]:
    """The names of all registered checks; nothing is imported."""
    return tuple(plugin_names(CHECKS))


def lab_checks(lab: Lab) -> tuple[str, ...]:
    """The names of LAB's checks in the order in which they are reported."""
    return tuple(_wanted(lab))


def select_checks(lab: Lab, names: Sequence[str] | None = None) -> tuple[Check, ...]:
    """LAB's checks, or those called NAMES; raises UnknownNameError for a name that nothing registers."""
    own = _wanted(lab)
    known = {*check_names(), *(name for name, command in own.items() if command)}
    chosen = tuple(dict.fromkeys(own if names is None else names))
    for name in chosen:
        if name not in known:
            raise UnknownNameError("check", name, known, where=f"lab {lab.name}")
    return tuple(_check(name, own.get(name)) for name in chosen)


def _wanted(lab: Lab) -> dict[str, tuple[str, CommandCheck] | None]:
    """Name → (component, command check), or None for a registered one."""
    wanted: dict[str, tuple[str, CommandCheck] | None] = dict.fromkeys(ALWAYS)
    for component in _components(lab):
        for entry in lab.components[component].manifest.checks:
            if isinstance(entry, CommandCheck):
                wanted[entry.name] = (component, entry)
            elif isinstance(entry, str):
                wanted.setdefault(entry, None)
            elif lab.nodes_with(component, **entry.when):
                wanted.setdefault(entry.check, None)
    for name in lab.blueprint.checks:
        wanted.setdefault(name, None)
    if wants_anything(lab):
        wanted.setdefault(AS_CONFIGURED, None)
    return wanted


def _components(lab: Lab) -> Iterable[str]:
    return dict.fromkeys(name for node in lab.nodes for name in node.components)


def _check(name: str, command: tuple[str, CommandCheck] | None) -> Check:
    if command is not None:
        return command_check(*command)
    try:
        return load_plugin(CHECKS, name, Check)
    except PluginError as error:  # a plugin's problem must not hide what the other checks say
        return Check(name, name, _says(CheckOutcome.unknown(error.what)))


def _says(verdict: CheckOutcome) -> Callable[[Context], CheckOutcome]:
    return lambda _: verdict
