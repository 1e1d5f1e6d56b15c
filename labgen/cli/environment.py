"""Variables of the environment that stand for options: one that means nothing is told of, a wrong one is named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labgen.cli.lazy import Row
from labgen.errors import LabgenError, UsageError, meant

PREFIX = "LABGEN_"
OWN = frozenset(f"{PREFIX}{name}" for name in ("STATE", "CACHE", "DEBUG", "REPOSITORY", "HARVEST", "NAMESPACE"))
"""Those that are read otherwise than as options; the last three by the image scripts."""
SHARED = frozenset(f"{PREFIX}{name}" for name in ("PROVIDER", "PROFILE", "NAME", "COMPONENTS", "SET", "OVERRIDES"))
"""Options that several commands share."""


def warnings_for(environment: Mapping[str, str], rows: Iterable[Row]) -> list[str]:
    """A line for each variable of labgen's in ENVIRONMENT that no command takes; ROWS: those there are."""
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in OWN | SHARED)
    if not unknown:
        return []
    known = set(OWN | SHARED)
    for row in rows:
        begin = variable(PREFIX.rstrip("_"), row.name)
        # Only a command that one of them may be meant for is imported.
        if any(name.startswith(f"{begin}_") for name in unknown):
            try:
                known.update(_variables(with_variables(row.command(), begin)))
            except LabgenError:
                continue  # a plug-in that is not in order: whoever calls it is told
    return [
        f"warning: {name} in the environment means nothing to labgen: {_cure(name, known)}"
        for name in unknown
        # click's own spelling of `--set` ends so, and goes on to work.
        if name not in known and name.removesuffix("_") not in known
    ]


def variable(begin: str, name: str) -> str:
    """BEGIN_NAME, as the environment has it."""
    return f"{begin}_{name}".upper().replace("-", "_")


def with_variables(command: Any, begin: str) -> Any:
    """COMMAND, whose options have variables that begin with BEGIN and go on as the option is spelt.

    Its errors, and those of the commands in it, name the variable that a wrong value came from.
    """
    for name, inner in getattr(command, "commands", {}).items():
        with_variables(inner, variable(begin, name))
    for param in command.params:
        # click's own are made of Python's names: LABGEN_UP_SET_.
        spelt = [variable(begin, option[2:]) for option in param.opts if option.startswith("--")]
        param.envvar = [*_given(param), *spelt]
    if not hasattr(command, "commands"):
        plain = command.invoke

        def invoke(ctx: Any) -> Any:
            try:
                return plain(ctx)
            except UsageError as error:  # others are not about what was typed
                _blame(error, ctx)
                raise

        command.invoke = invoke
    return command


def _blame(error: UsageError, ctx: Any) -> None:
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name)
        if source is None or source.name != "ENVIRONMENT":
            continue
        value = ctx.params.get(param.name)
        words = [str(word) for word in (value if isinstance(value, list | tuple) else [value])]
        if any(word and word in f"{error.what} {error.where or ''}" for word in words):
            named = next((name for name in _names(param, ctx.auto_envvar_prefix) if os.environ.get(name)), "")
            error.where = f"{error.where}, from {named}" if error.where else named


def _variables(command: Any) -> Iterator[str]:
    for inner in getattr(command, "commands", {}).values():
        yield from _variables(inner)
    for param in command.params:
        yield from _given(param)


def _names(param: Any, begin: str | None) -> list[str]:
    """The variables that PARAM takes, the first of which counts."""
    return [*_given(param), variable(begin, param.name)] if begin else _given(param)


def _given(param: Any) -> list[str]:
    return [param.envvar] if isinstance(param.envvar, str) else list(param.envvar or ())


def _cure(name: str, known: Iterable[str]) -> str:
    nearest = meant(name.removeprefix(PREFIX), [other.removeprefix(PREFIX) for other in known])
    return (
        nearest.replace("'", f"'{PREFIX}", 1)
        if nearest.startswith("did")
        else "labgen COMMAND --help has what there is, as LABGEN_COMMAND_OPTION"
    )
