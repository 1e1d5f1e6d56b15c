"""Which blueprint a word on the command line means."""

from __future__ import annotations

from pathlib import Path

from labgen.blueprint.files import blueprint_files, find_blueprint
from labgen.errors import UnknownNameError
from labgen.plugins import BLUEPRINTS, lost
from labgen.state import all_labs, find_lab


def find_lab_blueprint(word: str) -> Path:
    """The blueprint's file that WORD means: a name, a path, or a lab's name; raises UnknownNameError or UsageError."""
    if (lab := find_lab(word)) and word not in blueprint_files():
        return lab.blueprint
    try:
        return find_blueprint(word)
    except UnknownNameError:
        names = {*blueprint_files(), *(lab.name for lab in all_labs())}
        raise UnknownNameError("blueprint or lab", word, names, more=lost(BLUEPRINTS)) from None
