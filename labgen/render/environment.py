"""Jinja for what labgen renders for a lab as a whole."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, StrictUndefined

from labgen.lab.quoting import FILTERS

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """Templates by their name in `templates/`, or by an absolute path."""
    made = Environment(  # noqa: S701 - none of this is HTML
        loader=ChoiceLoader([FileSystemLoader(TEMPLATES), FunctionLoader(_at)]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(FILTERS)
    return made


def _at(path: str) -> str | None:
    return Path(path).read_text(encoding="utf-8") if Path(path).is_absolute() else None
