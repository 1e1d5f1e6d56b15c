"""The two consoles: results go to stdout, everything else to stderr, so that output can be piped."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    out: Console
    err: Console

# Where nobody's window sets a width, a table gets as much as it needs: its cells are to be searched, not cut.
PIPED = 200


def __getattr__(name: str) -> Console:
    """`out` and `err`, made when a command asks for one: a command without tables does without rich."""
    if name not in ("out", "err"):
        raise AttributeError(name)
    from rich.console import Console

    if name == "out":
        console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
    else:
        console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPED)
    globals()[name] = console
    return console


def print_json(value: Any) -> None:
    """VALUE as indented JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
