"""Loads what an entry point names; whatever is wrong with it is a PluginError that tells whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from operator import attrgetter
from typing import Any, TypeVar

from labgen.errors import PluginError, UnknownNameError
from labgen.plugins.groups import GROUPS, PluginGroup
from labgen.plugins.installed import Plugin, installed

T = TypeVar("T")
WORDS = {group.name: group for group in GROUPS}


def plugin_names(group: PluginGroup) -> list[str]:
    """What is registered under GROUP, by name; nothing is imported."""
    return sorted({plugin.name for plugin in installed(group)})


def load_plugin(group: PluginGroup, name: str, wanted: type[T]) -> T:
    """What is registered in GROUP as NAME; of a class, an object.

    Raises UnknownNameError; PluginError if it cannot be imported, is no WANTED, or has another name.
    """
    for plugin in installed(group):
        if plugin.name == name:
            return load(plugin, wanted)
    raise UnknownNameError(group.word, name, plugin_names(group))


def plugins_that_load(group: PluginGroup, wanted: type[T]) -> Iterator[T]:
    """Everything in GROUP that is in order, by name; `labgen plugins` tells of the rest."""
    for name in plugin_names(group):
        try:
            yield load_plugin(group, name, wanted)
        except PluginError:
            continue


def load(plugin: Plugin, wanted: type[T] | tuple[type[Any], ...]) -> T:
    """What PLUGIN's entry point names; raises PluginError as above."""
    offered: Any = guarded(plugin, lambda: _named(plugin))
    group = WORDS[plugin.group]
    if not isinstance(offered, wanted):
        raise refused(plugin, f"it is {_kind(offered)}, and has to be {group.names}")
    if group.named and (name := getattr(offered, "name", None)) != plugin.name:
        raise refused(plugin, f"it calls itself '{name}', and is registered as '{plugin.name}'")
    return offered


def guarded(plugin: Plugin, call: Callable[[], T]) -> T:
    """What CALL returns, which runs PLUGIN's code; whatever that raises becomes a PluginError."""
    try:
        return call()
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody else's package does when it is imported
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise refused(plugin, f"{type(error).__name__}: {said}") from error


def refused(plugin: Plugin, reason: str) -> PluginError:
    return PluginError(
        reason,
        word=WORDS[plugin.group].word,
        name=plugin.name,
        package=f"{plugin.package} {plugin.version}".strip(),
        where=f"{plugin.path}, entry point {plugin.group}: {plugin.name} = {plugin.value}",
        cure=mend(plugin),
    )


def mend(plugin: Plugin) -> str:
    """What to do about a PLUGIN that is not in order."""
    if plugin.builtin:
        return "install labgen again: this one is not whole"
    return f"mend or uninstall the package {plugin.package}; labgen plugins shows what is wrong"


def taken_by(plugin: Plugin) -> str | None:
    """The package whose entry point of the same name counts in place of PLUGIN's; None if this one does."""
    first = next(other for other in installed(WORDS[plugin.group]) if other.name == plugin.name)
    return None if first == plugin else first.package


def _named(plugin: Plugin) -> Any:
    module, _, attribute = plugin.value.partition("[")[0].strip().partition(":")  # what follows [ are extras
    offered = import_module(module)
    if attribute:
        offered = attrgetter(attribute)(offered)
    return offered() if isinstance(offered, type) else offered


def _kind(offered: object) -> str:
    return "None" if offered is None else f"a {type(offered).__name__}"
