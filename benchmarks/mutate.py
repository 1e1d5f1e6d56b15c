"""Damages inputs the way files are damaged, and the way people damage them; the same dice give the same damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

# fmt: off
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 10**30, -(10**18), 0.5, 1e308, "", " ", "x", "x" * 5000, "a\x1b[2Jb\x07",
    "\x9b", "\u202e", "../../etc/passwd", "/etc/passwd", "[/]", "%", "{{", "{{ p }}", "{% for %}", "1e999", "null", "-",
    [], {}, [[]], [None], {"": ""}, {"a": {"b": {}}}, ["x"] * 300, [1, "a", None], "2026-11-27", "0x10", "::", "ş" * 50,
)
"""What stands in the place of another value: other kinds, edges, and texts that mean something to somebody."""
WORDS = (
    b"\x00", b"\x1b]0;x\x07", b"\xff\xfe", b"\xc3", b"- ", b"[", b"{", b"}", b'"', b"'", b": ", b"&a ", b"*a ",
    b"!!int ", b"99999999999999999999", b"-1", b"NaN", b"Infinity", b"\r\n", b"\t", b"#", b"|", b">", b"\xe2\x80\xae",
    b"{{", b"%",
)
# fmt: on
DEEP = 60

Bytes = Callable[[Random, bytes], bytes]


def _cut(dice: Random, data: bytes) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _flipped(dice: Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 3, 20))):
        if out:
            out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    return bytes(out)


def _inserted(dice: Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.choice(WORDS) * dice.choice((1, 1, 2, 50)) + data[at:]


def _line(dice: Random, data: bytes) -> bytes:
    """A line twice, away, or where another one was: keys stand twice, blocks lose their heads."""
    lines = data.splitlines(keepends=True)
    if not lines:
        return data
    at, to = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(3):
        case 0:
            lines.insert(to, lines[at])
        case 1:
            del lines[at]
        case _:
            lines[at], lines[to] = lines[to], lines[at]
    return b"".join(lines)


def _part(dice: Random, data: bytes) -> bytes:
    begin, end = sorted(dice.randrange(len(data) + 1) for _ in range(2))
    return data[:begin] + data[end:]


def _deep(dice: Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    sign = dice.choice((b"[", b'{"a":', b"- ", b"("))
    return data[:at] + sign * dice.randrange(1, DEEP) + data[at:]


DAMAGES: tuple[Bytes, ...] = (_cut, _flipped, _inserted, _line, _part, _deep)


def damaged(dice: Random, data: bytes) -> bytes:
    """DATA after one to three accidents."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        data = dice.choice(DAMAGES)(dice, data)
    return data


def changed(dice: Random, value: Any) -> Any:
    """The plain data VALUE with one to three of its parts taken away, doubled or replaced."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        value = _changed(dice, value)
    return value


def _changed(dice: Random, value: Any) -> Any:
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        word = str(key)
        rest = dict(value)
        match dice.randrange(12):
            case 0:
                del rest[key]
            case 1:
                rest[dice.choice(("x", "", "name", word + "x", word.upper(), "\x1b[2J"))] = rest.pop(key)
            case 2:
                rest[dice.choice(("x", "name", word + "s"))] = dice.choice(VALUES)
            case _:
                rest[key] = _changed(dice, value[key])
        return rest
    if isinstance(value, list) and value and dice.random() < 0.9:
        at = dice.randrange(len(value))
        match dice.randrange(8):
            case 0:
                return [*value[:at], *value[at + 1 :]]
            case 1:
                return [*value, value[at]]
            case _:
                return [*value[:at], _changed(dice, value[at]), *value[at + 1 :]]
    if isinstance(value, str) and value and dice.random() < 0.4:
        return damaged(dice, value.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")
    if isinstance(value, int) and dice.random() < 0.5:
        return dice.choice((value + 1, -value, value * 1000, str(value), float(value), 2**63))
    return dice.choice(VALUES)


def yaml_changed(dice: Random, data: bytes) -> bytes:
    """The YAML document DATA with its parts changed, or its bytes damaged."""
    if dice.random() < 0.4:
        return damaged(dice, data)
    plain = yaml.load(data, Loader=yaml.BaseLoader if dice.random() < 0.1 else yaml.CSafeLoader)  # noqa: S506
    return yaml.dump(changed(dice, plain), allow_unicode=True, sort_keys=False, Dumper=yaml.CSafeDumper).encode()


def json_changed(dice: Random, data: bytes) -> bytes:
    """The same of JSON, of which each line may be a document."""
    if dice.random() < 0.4:
        return damaged(dice, data)
    lines = data.splitlines()
    try:
        return json.dumps(changed(dice, json.loads(data))).encode()
    except ValueError:
        at = dice.randrange(len(lines))
        lines[at] = json.dumps(changed(dice, json.loads(lines[at]))).encode()
        return b"\n".join(lines) + b"\n"
