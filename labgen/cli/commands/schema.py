"""`labgen schema`."""

from __future__ import annotations

from typing import Annotated

import typer

KINDS = ("blueprint", "manifest", "overrides", "reproduction")


def complete_kinds(incomplete: str) -> list[str]:
    """Kinds of documents, for the shell."""
    return [kind for kind in KINDS if kind.startswith(incomplete)]


def command(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND", help=f"One of {', '.join(KINDS)}.", autocompletion=complete_kinds, show_default=False
        ),
    ],
) -> None:
    """Print the JSON Schema of a kind of document, for editors."""
    from labgen.actions.schema import schema_text

    print(schema_text(kind), end="")
