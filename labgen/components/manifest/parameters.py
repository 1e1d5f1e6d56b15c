"""The values that a blueprint, a profile or `--set` may change."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from labgen.components.manifest.base import Pattern, Scalar, Strict
from labgen.patterns import fits
from labgen.wording import must_be, shown

TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "a string"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
    "map": (dict, "a mapping of keys to values"),
    "address": (str, "an IPv4 address"),
}
"""A parameter's type in Python, and in words."""


class Parameter(Strict):
    """A value that a blueprint, a profile or `--set` may change.

    An `address` is an IPv4 address inside the lab's network that no node has: a floating IP, a VIP.
    unique: each node has a value of its own, which a node that is added later does not take over.
    """

    type: Literal["string", "integer", "number", "boolean", "map", "address"]
    default: Any = None
    choices: tuple[Scalar, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: Pattern = None
    unique: bool = False
    doc: str

    @model_validator(mode="after")
    def _default_fits(self) -> Parameter:
        # None means: no default, the blueprint must give the value.
        if self.default is not None and (problem := self.problem(self.default)):
            raise ValueError(f"the default {problem}")
        return self

    def problem(self, value: object) -> str | None:
        """What is wrong with VALUE, as the end of a sentence; None if it fits."""
        python, words = TYPES[self.type]
        wrong_bool = isinstance(value, bool) and self.type != "boolean"
        if wrong_bool or not isinstance(value, python):
            return must_be(words, value)
        if self.choices and value not in self.choices:
            return must_be(f"one of {', '.join(map(str, self.choices))}", value)
        if isinstance(value, (int, float)):
            if self.minimum is not None and value < self.minimum:
                return must_be(f"at least {self.minimum:g}", value)
            if self.maximum is not None and value > self.maximum:
                return must_be(f"at most {self.maximum:g}", value)
        if isinstance(value, str):
            if self.pattern and not fits(self.pattern, value):
                return f"must match {self.pattern}, not {shown(value)}"
            if not value.isprintable():
                return "must be one line of printable characters"
        return None
