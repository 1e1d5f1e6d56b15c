"""The dialects of files of lines: systemd's environment files, pgbouncer.ini, haproxy.cfg, keepalived.conf, HCL."""

from __future__ import annotations

import json
import re
from typing import Any

from labgen.overrides.formats.lines import Dialect


def _text(value: Any) -> str:
    """VALUE as these programs write it, who know no quotes for a word."""
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _environment(key: str, value: Any, _depth: int) -> str:
    escaped = re.sub(r'(["\\$`])', r"\\\1", _text(value))
    return f'{key}="{escaped}"'


def _assigns(line: str, key: str) -> bool:
    return re.match(rf"\s*{re.escape(key)}\s*=", line) is not None


def _begins(line: str, key: str) -> bool:
    """Whether LINE's first words are those of KEY."""
    words = key.split()
    return line.split("#", maxsplit=1)[0].split()[: len(words)] == words


def _ini_section(line: str) -> str | None:
    found = re.fullmatch(r"\s*\[(.+)\]\s*", line)
    return found[1] if found else None


def _haproxy_section(line: str) -> str | None:
    return " ".join(line.split()) if line[:1].strip() and not line.startswith("#") else None


def _braced(line: str) -> str | None:
    found = re.fullmatch(r"\s*([^#!{}]+?)\s*\{\s*", line)
    return " ".join(found[1].replace('"', "").split()) if found else None


def _closes(line: str) -> bool:
    return line.strip() == "}"


def _never(_line: str) -> None:
    return None


def _words(key: str, value: Any, depth: int) -> str:
    """A keyword and what follows it. `true` is for one that stands alone."""
    return f"{'    ' * depth}{key}" if value is True else f"{'    ' * depth}{key} {_text(value)}".rstrip()


ENV = Dialect(
    depth=(1, 1),
    opens=_never,
    closes=None,
    is_about=_assigns,
    write=_environment,
    begin=lambda key, _: key,
    end=lambda _: None,
)
INI = Dialect(
    depth=(2, 2),
    opens=_ini_section,
    closes=None,
    is_about=_assigns,
    write=lambda key, value, _: f"{key} = {_text(value)}",
    begin=lambda key, _: f"[{key}]",
    end=lambda _: None,
)
HAPROXY = Dialect(
    depth=(2, 2),
    opens=_haproxy_section,
    closes=None,
    is_about=_begins,
    write=_words,
    begin=lambda key, _: key,
    end=lambda _: None,
    repeats=True,
    words=True,
    named_by_two=frozenset({"option", "stats", "timeout"}),
)
KEEPALIVED = Dialect(
    depth=(1, 4),
    opens=_braced,
    closes=_closes,
    is_about=_begins,
    write=_words,
    begin=lambda key, depth: f"{'    ' * depth}{key} {{",
    end=lambda depth: f"{'    ' * depth}}}",
    repeats=True,
    words=True,
)
HCL = Dialect(
    depth=(1, 4),
    opens=_braced,
    closes=_closes,
    is_about=_assigns,
    write=lambda key, value, depth: f"{'  ' * depth}{key} = {json.dumps(value)}",
    begin=lambda key, depth: f"{'  ' * depth}{key} {{",
    end=lambda depth: f"{'  ' * depth}}}",
)
