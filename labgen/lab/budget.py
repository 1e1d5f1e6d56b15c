"""What all expressions of a lab together may take, in steps."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from jinja2.exceptions import SecurityError

STEPS = 2_000_000  # ten times what two hundred nodes take
LARGEST = 1 << 20  # characters of one text
LARGEST_NUMBER = 4096  # bits
PER_STEP = 3  # a step is 2 ** 3 characters


class TooMuch(SecurityError):
    """An expression is larger, or takes longer, than one may."""


class Budget:
    """The steps that all expressions together still have."""

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Raises TooMuch when there are not so many left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuch("it takes more steps, or makes more text, than an expression may")

    def each(self, items: Iterable[Any]) -> Iterator[Any]:
        """ITEMS, each for a step."""
        for item in items:
            self.spend(1)
            yield item

    def weigh(self, value: Any) -> Any:
        """VALUE, paid for with all that is in it; raises TooMuch."""
        if isinstance(value, Iterator):
            value = list(self.each(value))
        rest = [value]
        while rest:
            one = rest.pop()
            self.spend(1)
            if isinstance(one, str):
                self._text(len(one))
            elif isinstance(one, int):
                self.number(one.bit_length())
            elif isinstance(one, Mapping):
                self._many(rest, one.keys())
                self._many(rest, one.values())
            elif isinstance(one, (list, tuple, KeysView, ValuesView, ItemsView)):
                self._many(rest, one)
            elif isinstance(one, range):
                self.spend(len(one))
        return value

    def _many(self, rest: list[Any], values: Any) -> None:
        if len(rest) + len(values) > self.left:
            self.spend(self.left + 1)
        rest.extend(values)

    def _text(self, length: int) -> None:
        if length > LARGEST:
            raise TooMuch(f"a text would have more than {LARGEST} characters")
        self.spend(length >> PER_STEP)

    def times(self, value: Any, count: int) -> None:
        """Pay for VALUE, COUNT times over; raises TooMuch."""
        if isinstance(value, str):
            self._text(len(value) * max(count, 0))
        elif isinstance(value, (list, tuple)):
            self.spend(len(value) * max(count, 0))

    def number(self, bits: int) -> None:
        if bits > LARGEST_NUMBER:
            raise TooMuch(f"a number would have more than {LARGEST_NUMBER} bits")
