"""Takes secrets out of texts: for screens those of one lab, for what leaves the machine also what looks like one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labgen.redact.patterns import HIDDEN, PATTERNS
from labgen.redact.shapes import shapes_of

Secrets = Mapping[str, Mapping[str, str]]
"""Component → secret's name → value."""

UNKNOWN = "other "
"""Before the kind of a secret that no lab's file has, where they are counted."""


@dataclass(frozen=True)
class _Span:
    """Where a secret stands in a text."""

    start: int
    end: int
    name: str


def secret_values(secrets: Secrets) -> dict[str, str]:
    """Value → `component.name` of every secret, the longest first, so that none is left half visible."""
    named = {value: f"{component}.{name}" for component, group in secrets.items() for name, value in group.items()}
    return {value: named[value] for value in sorted(named, key=len, reverse=True) if value.strip()}


class Redactor:
    """Replaces each secret in a text, in whatever shape it stands there, by a word that names it.

    unknown: also passwords, keys and verifiers that are not among the secrets.
    """

    def __init__(self, secrets: Secrets, *, unknown: bool = False) -> None:
        self._shapes = [(shape, name) for value, name in secret_values(secrets).items() for shape in shapes_of(value)]
        self._patterns = PATTERNS if unknown else ()

    def __call__(self, text: str) -> str:
        return self.replaced(text)[0]

    def replaced(self, text: str) -> tuple[str, Counter[str]]:
        """TEXT without secrets, and how often which one stood there."""
        counts: Counter[str] = Counter()
        parts, done = [], 0
        for span in _joined(self._known(text)):
            counts[span.name] += 1
            parts += [text[done : span.start], f"‹secret {span.name}›"]
            done = span.end
        text = "".join([*parts, text[done:]])
        for kind, pattern in self._patterns:
            # Of two that share a border, the second is found when the first is gone.
            while True:
                text, times = pattern.subn(lambda found, kind=kind: _blanked(found, kind), text)  # type: ignore[misc]
                if not times:
                    break
                counts[UNKNOWN + kind] += times
        return text, counts

    def found(self, text: str) -> set[str]:
        """Which secrets stand in TEXT; in one that is redacted none does."""
        known = {name for shape, name in self._shapes if next(shape(text), None)}
        return known | {UNKNOWN + kind for kind, pattern in self._patterns if pattern.search(text)}

    def _known(self, text: str) -> Iterator[_Span]:
        for shape, name in self._shapes:
            for start, end in shape(text):
                yield _Span(start, end, name)


def _blanked(found: re.Match[str], kind: str) -> str:
    start, end = found.start(HIDDEN) - found.start(), found.end(HIDDEN) - found.start()
    return f"{found[0][:start]}‹{kind}›{found[0][end:]}"


def _joined(spans: Iterator[_Span]) -> list[_Span]:
    """SPANS in order; those that overlap are one, which is called like the longest of them."""
    joined: list[_Span] = []
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        length = span.end - span.start
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            joined[-1] = _Span(last.start, max(last.end, span.end), span.name if length > longest else last.name)
        else:
            joined.append(span)
            longest = 0
        longest = max(longest, length)
    return joined
