"""The two consoles: results go to stdout, everything else to stderr, so that output can be piped."""

from __future__ import annotations

import json
import struct
import sys
from typing import TYPE_CHECKING, Any

from labgen.wording import harmless

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
    from labgen.cli.terminal import HarmlessConsole as Console

    if name == "out":
        console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
    else:
        console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPED)
    globals()[name] = console
    return console


def print_json(value: Any) -> None:
    """VALUE as indented JSON on stdout."""
    print(json_text(value, indent=2))


def json_text(value: Any, indent: int | None = None) -> str:
    """VALUE as JSON that a terminal can show."""
    return harmless_json(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


def harmless_json(text: str) -> str:
    """The JSON TEXT without what a terminal would act upon: JSON itself lets some controls stand as they are."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    return char if char == "\n" or char.isprintable() else "".join(f"\\u{unit:04x}" for unit in _utf16(char))


def _utf16(char: str) -> tuple[int, ...]:
    data = char.encode("utf-16-be", "surrogatepass")
    return struct.unpack(f">{len(data) // 2}H", data)


def say(text: str, *, error: bool = False) -> None:
    """TEXT on stdout, or as ERROR on stderr, whatever it holds."""
    print(harmless(text), file=sys.stderr if error else sys.stdout)
