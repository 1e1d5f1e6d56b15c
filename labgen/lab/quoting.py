"""Quotes a value for the language it goes into. Each filter takes any scalar and gives text with its quotes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

# JSON lets them stand as they are, YAML does not, or takes them for the end of a line.
NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def json_quoted(value: Any) -> str:
    """JSON, which is also a YAML flow value and an HCL literal; keys in a fixed order."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _text(value: Any) -> str:
    """The value as text: true and false as all these languages write them, and never Python's None."""
    if value is None:
        raise ValueError("there is no value to quote")
    return str(value).lower() if isinstance(value, bool) else str(value)


def shell_quoted(value: Any) -> str:
    return shlex.quote(_text(value))


def ruby_quoted(value: Any) -> str:
    """A Ruby single-quoted string, in which only the backslash and the quote mean something."""
    return "'" + _text(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def sql_literal(value: Any) -> str:
    """A standard SQL string; a backslash means nothing in it (standard_conforming_strings is on since 9.1)."""
    return "'" + _text(value).replace("'", "''") + "'"


def sql_ident(value: Any) -> str:
    return '"' + _text(value).replace('"', '""') + '"'


def pgpass_field(value: Any) -> str:
    """A field of a .pgpass file."""
    return _text(value).replace("\\", "\\\\").replace(":", "\\:")


FILTERS: dict[str, Callable[[Any], str]] = {
    "json": json_quoted,
    "yaml": json_quoted,
    "shell": shell_quoted,
    "ruby": ruby_quoted,
    "sql_literal": sql_literal,
    "sql_ident": sql_ident,
    "pgpass": pgpass_field,
}
