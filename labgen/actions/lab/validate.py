"""`validate`: a blueprint is read, resolved, planned and rendered in memory; nothing is written, nothing boots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labgen.actions.cache.lint import lint, lint_work
from labgen.actions.session.open import find_lab_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.documents import shown
from labgen.lab.model import LabWarning
from labgen.lab.resolve import resolve
from labgen.lab.secrets import make_secrets
from labgen.overrides import read_overrides
from labgen.plan import build_plan
from labgen.providers import REFERENCE
from labgen.render.nodes import render_nodes
from labgen.state import cache_folder


@dataclass(frozen=True)
class ProfileReport:
    """One profile of a blueprint that can be made. nodes, steps: how many.

    unchecked: which rendered files were not looked at, and why; None if none was to be.
    """

    blueprint: str
    profile: str
    os: str
    nodes: int
    steps: int
    weaknesses: tuple[LabWarning, ...]
    unchecked: tuple[str, ...] | None = None

    def __str__(self) -> str:
        size = f"{self.nodes} nodes, {self.steps} steps, {self.os}"
        checked = ", every file accepted by its program" if self.unchecked == () else ""
        return f"{self.blueprint}: {self.profile} is fine: {size}{checked}"


def validate(
    word: str,
    overrides: tuple[str, ...] = (),
    components: tuple[Path, ...] = (),
    overrides_files: tuple[Path, ...] = (),
    *,
    files: bool = False,
    provider: str = REFERENCE,
) -> list[ProfileReport]:
    """Every profile, if all are sound; raises DocumentError or UsageError with what is wrong.

    overrides_files: overrides documents. files: the programs check their rendered files too, in those of PROVIDER's
    images that are here.
    """
    path = find_lab_blueprint(word)
    loaded = load_blueprint(path, components)
    documents = tuple(map(read_overrides, overrides_files))
    found = []
    for profile in loaded.blueprint.profiles:
        lab = resolve(loaded, provider=provider, profile=profile, overrides=overrides, files=documents)
        plan = build_plan(lab)
        secrets = make_secrets(lab.components.values(), contained=lab.contained)
        rendered = render_nodes(lab, secrets)
        unchecked = None
        if files:
            # There is no folder; what a complaint names are the places in the one that `labgen render` writes.
            unchecked = lint(lint_work(lab, rendered, Path("rendered", profile), baked=True), secrets, cache_folder())
        found.append(
            ProfileReport(shown(path), profile, lab.os, len(lab.nodes), len(plan.steps), lab.weaknesses, unchecked)
        )
    return found


def warnings(found: list[ProfileReport]) -> list[str]:
    """A line for each weak point, as `file:line:column: warning: what`; one that only some profiles have names them."""
    profiles: dict[str, list[str]] = {}
    for sound in found:
        for weakness in sound.weaknesses:
            profiles.setdefault(f"{weakness.position}: warning: {weakness}", []).append(sound.profile)
    return [line if len(having) == len(found) else f"{line} [{', '.join(having)}]" for line, having in profiles.items()]
