"""A secret as it may stand in a text: as it is, and as programs write it that quote, escape or encode it."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from urllib.parse import quote

SHORTEST = 6
"""Characters that a piece of Base64 or of a dump has at least: what is shorter stands in any text by chance."""

Spans = Callable[[str], Iterator[tuple[int, int]]]
"""From a text to the places, as beginning and end, where something stands in it."""

_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_URL_SAFE = str.maketrans("+/", "-_")


@cache
def shapes_of(value: str) -> tuple[Spans, ...]:
    """What finds VALUE in a text, each in some of its shapes."""
    written = (value, json.dumps(value)[1:-1], value.replace("'", "''"), quote(value), quote(value, safe=""))
    data = {text.encode("utf-8", "surrogateescape") for text in written}
    dumps = {text for part in data for text in (part.hex(), part.hex().upper())}
    cores = {core for part in data for core in _cores(part) if len(core) >= SHORTEST}
    encoded = {text for core in cores for text in (core, quote(core, safe=""), core.translate(_URL_SAFE))}
    return (
        _literal(value) if value.isascii() and value.isalnum() else _loosely(value),
        *(_literal(text) for text in sorted(dumps)),
        *(_base64(text) for text in sorted(encoded)),
    )


def _literal(wanted: str) -> Spans:
    """WANTED as it is."""

    def spans(text: str) -> Iterator[tuple[int, int]]:
        start = text.find(wanted)
        while start >= 0:
            yield start, start + len(wanted)
            start = text.find(wanted, start + 1)

    return spans


def _loosely(value: str) -> Spans:
    """VALUE with each of its special characters as it is, doubled, or in one of the ways to write it elsewhere."""
    pattern = re.compile("".join(map(_written, value)))

    def spans(text: str) -> Iterator[tuple[int, int]]:
        return ((found.start(), found.end()) for found in pattern.finditer(text))

    return spans


def _written(char: str) -> str:
    """A pattern for CHAR. URLs may be quoted twice, a backslash stands before it once for each string around it."""
    if char.isascii() and char.isalnum():
        return char
    plain = re.escape(char)
    units = [char.encode("utf-16-be")[at : at + 2].hex() for at in range(0, len(char.encode("utf-16-be")), 2)]
    ways = [
        f"{plain}{{1,4}}",
        "".join(f"%(?:25)*(?i:{byte:02x})" for byte in char.encode("utf-8", "surrogatepass")),
        "".join(rf"\\*u(?i:{unit})" for unit in units),
        re.escape(html.escape(char)),
        f"&#(?:0*{ord(char)}|(?i:x0*{ord(char):x}));",
    ]
    ways += [r"\+"] if char == " " else []
    # A shell ends its string, writes the quote in another way, and begins again.
    ways += [r"'\\''", "'\"'\"'"] if char == "'" else []
    return rf"\\*(?:{'|'.join(sorted(set(ways), key=len, reverse=True))})"


def _base64(core: str) -> Spans:
    """The pieces of Base64 around CORE, whole: what stands beside it holds some bits of the secret too."""
    cores = _literal(core)

    def spans(text: str) -> Iterator[tuple[int, int]]:
        for start, end in cores(text):
            first, last = start, end
            while first > 0 and text[first - 1] in _BASE64:
                first -= 1
            while last < len(text) and text[last] in _BASE64:
                last += 1
            yield first, last + len(re.match("=*", text[last : last + 2])[0])  # type: ignore[index]

    return spans


def _cores(data: bytes) -> Iterator[str]:
    """What of DATA's Base64 does not depend on its neighbours, for each of the three places where it may begin."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + data).decode()
        yield text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
