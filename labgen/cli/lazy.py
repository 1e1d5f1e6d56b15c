"""A group of commands of which only the one that is called is imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class _PlainFlags:
    """`--help` and the like are False where nobody gave them: for None typer brings in pydantic."""

    def get_params(self, ctx: Any) -> Any:
        params = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if not param.expose_value and getattr(param, "is_flag", False) and param.default is None:
                param.default = False
        return params


class LazyCommand(_PlainFlags, TyperCommand):
    """A command that is imported when it is called."""


@dataclass(frozen=True)
class Row:
    """A command that is not imported yet.

    summary: what a list of commands says of it. target: `module:attribute` of a function or of a typer app.
    settings: click's context settings.
    """

    name: str
    summary: str
    target: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def find(self) -> Any:
        """The function, or the typer app."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)

    def load(self) -> typer.Typer:
        """The command itself, alone in an app; raises what its module raises when it is imported."""
        target = self.find()
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.callback()(_nothing)  # so that it is a group, of one
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=self.name)
        else:
            app.command(self.name, cls=LazyCommand, context_settings=dict(self.settings) or None)(target)
        return app

    def command(self) -> Any:
        """The same as click has it; raises what is wrong with it, too."""
        group: Any = typer.main.get_command(self.load())
        return group.commands[self.name]


class LazyGroup(_PlainFlags, TyperGroup):
    """Lists commands by their rows, and imports one when it is called or completed."""

    rows: Iterable[Row] = ()

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._rows: dict[str, Row] = {}
        self._complete = False
        self._add(self.rows)

    def more(self) -> Iterable[Row]:
        """Rows beside `rows`; asked for when a name is not among those, and when all are listed."""
        return ()

    def list_commands(self, ctx: Any) -> list[str]:
        self._add_more()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            self._add_more()
        return super().get_command(ctx, cmd_name)

    def make_context(self, info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except Exception as error:
            _say_better(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        words = [*ctx._protected_args, *ctx.args]
        try:
            return super().invoke(ctx)
        except Exception as error:
            _say_better(error, words)
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in self._rows:
            from labgen.cli.environment import PREFIX, variable, with_variables

            command = with_variables(self._rows[name].command(), variable(PREFIX.rstrip("_"), name))
        return name, command, rest

    def _add_more(self) -> None:
        if not self._complete:
            self._complete = True
            self._add(self.more())

    def _add(self, rows: Iterable[Row]) -> None:
        """Whoever comes first has a name."""
        for row in rows:
            if row.name not in self._rows:
                self._rows[row.name] = row
                self.commands[row.name] = TyperCommand(row.name, help=row.summary, rich_markup_mode=None)


def _say_better(error: Exception, words: Iterable[str] = ()) -> None:
    """Raise labgen's own words in place of click's, of whom typer has a copy: known by what it can do."""
    if not hasattr(error, "format_message"):
        return
    from labgen.cli.usage import told

    if better := told(error, list(words)):
        raise better from None


def _nothing() -> None:
    pass
