"""A vendor's box brings a Vagrantfile of its own, which Vagrant runs on the host: whose word that is, is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from labgen.blueprint.loader import LoadedBlueprint
from labgen.documents import Loc, path_text
from labgen.lab.model import LabWarning
from labgen.resources import resource
from labgen.wording import printable


def box_words(box: str) -> str:
    """What booting from BOX means, a sentence."""
    return f"the vendor's box {printable(box)} brings a Vagrantfile of its own, which Vagrant runs on this machine"


def box_warnings(loaded: LoadedBlueprint, profile: str, providers: Iterable[str]) -> Iterator[LabWarning]:
    """A warning for each box that PROFILE names for one of PROVIDERS, unless labgen's own blueprints name it."""
    boxes = loaded.blueprint.profiles[profile].box
    for provider in providers:
        loc: Loc = ("profiles", profile, "box", provider)
        place = loaded.source.place(loc)
        if provider in boxes and not Path(place.file).resolve().is_relative_to(resource("blueprints").resolve()):
            yield LabWarning("box", box_words(boxes[provider]), (), place, path_text(loc))
