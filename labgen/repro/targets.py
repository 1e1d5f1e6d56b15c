"""Which nodes a word such as `leader` or `replica-now` means in a reproduction."""

from __future__ import annotations

from labgen.faults.targets import TARGETS

NOW = "-now"
"""Behind a target: it is decided each time it is used, and not when the reproduction begins."""


def is_description(word: str) -> bool:
    """Whether WORD describes nodes, rather than naming one."""
    return word.removesuffix(NOW) in TARGETS
