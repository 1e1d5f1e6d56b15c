"""What a reproduction may say. docs/reproductions.md is the same for people."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from labgen.components.manifest import Name, Strict
from labgen.overrides import OverridesDocument
from labgen.problems import Loc
from labgen.repro.model_actions import Action
from labgen.repro.model_conditions import Condition
from labgen.repro.model_parts import Text, Within


class Reproduction(Strict):
    """A whole file.

    report: where the bug was reported; fixed: since when it is mended; about: what there is to know, all for readers.
    lab: a blueprint's name, or its path beside this file. until: where the boot of the lab stops, as `up --until`.
    within: seconds in which either all of SEEN or all of OTHERWISE have to come true after the actions.
    """

    name: Name
    title: Text
    report: str = ""
    fixed: str = ""
    about: str = ""
    lab: Text
    profile: Name | None = None
    overrides: OverridesDocument = Field(default_factory=OverridesDocument)
    until: Name | None = None
    repeat: int = Field(default=1, ge=1, le=1000)
    within: Within = 30
    actions: tuple[Action, ...] = Field(min_length=1)
    seen: tuple[Condition, ...] = Field(min_length=1)
    otherwise: tuple[Condition, ...] = ()

    def conditions(self) -> Iterator[tuple[Loc, Condition]]:
        """Every condition, those inside others too, with its place in the document."""
        for index, action in enumerate(self.actions):
            if action.wait:
                yield from _walk(("actions", index, "wait", "until"), action.wait.until)
        for key, conditions in (("seen", self.seen), ("otherwise", self.otherwise)):
            for index, condition in enumerate(conditions):
                yield from _walk((key, index), condition)

    @property
    def longest(self) -> float:
        """Seconds that one try takes at most, all its deadlines together."""
        spans = [getattr(getattr(action, action.kind), "within", 60.0) for action in self.actions]
        return float(sum(spans) + self.within)


def _walk(loc: Loc, condition: Condition) -> Iterator[tuple[Loc, Condition]]:
    yield loc, condition
    if condition.not_:
        yield from _walk((*loc, "not"), condition.not_)
    for key in ("all", "any"):
        for index, part in enumerate(getattr(condition, key) or ()):
            yield from _walk((*loc, key, index), part)
