"""`validate`: a blueprint is read, resolved, planned and rendered in memory; nothing is written, nothing boots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.actions.session.find import find_lab_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.documents import Problem, shown
from labgen.errors import UsageError
from labgen.lab.boxes import box_warnings
from labgen.lab.model import Lab, LabWarning
from labgen.lab.resolve import resolve
from labgen.lab.secrets import Secrets, make_secrets
from labgen.overrides import read_overrides
from labgen.plan import build_plan
from labgen.plugins import PROVIDERS, installed
from labgen.render.model import Rendered
from labgen.render.nodes import render_nodes
from labgen.system.folders import cache_folder


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
    provider: str | None = None,
    only: str | None = None,
) -> list[ProfileReport]:
    """Every profile, or ONLY that one, if all are sound; raises DocumentError or UsageError with what is wrong.

    overrides_files: overrides documents. files: the programs check their rendered files too, in those of PROVIDER's
    images that are here.
    """
    # What is known without a look at files does not depend on the provider.
    provider = provider or installed(PROVIDERS)[0].name
    path = find_lab_blueprint(word)
    loaded = load_blueprint(path, components)
    documents = tuple(map(read_overrides, overrides_files))
    found = []
    for profile in [only] if only else loaded.blueprint.profiles:
        lab = resolve(loaded, provider=provider, profile=profile, overrides=overrides, files=documents)
        plan = build_plan(lab)
        secrets = make_secrets(lab.components.values(), contained=lab.contained)
        rendered = render_nodes(lab, secrets)
        unchecked = None
        if files:
            # There is no folder; what a complaint names are the places in the one that `labgen render` writes.
            unchecked = _looked_at(lab, rendered, Path("rendered", profile), secrets)
        others = (name for name in loaded.blueprint.profiles[profile].box if name != provider)
        weaknesses = (*lab.weaknesses, *box_warnings(loaded, profile, others))
        found.append(
            ProfileReport(shown(path), profile, lab.os, len(lab.nodes), len(plan.steps), weaknesses, unchecked)
        )
    return found


def _looked_at(lab: Lab, rendered: Rendered, root: Path, secrets: Secrets) -> tuple[str, ...]:
    """Which files were not looked at; raises LintError with what the programs say about the others."""
    from labgen.actions.cache.lint import lint, lint_work  # noqa: PLC0415 - images and providers come with it

    return lint(lint_work(lab, rendered, root, baked=True), secrets, cache_folder())


def warnings(found: Sequence[ProfileReport]) -> dict[Problem, list[str]]:
    """Each weak point of a blueprint, with the profiles that have it."""
    profiles: dict[Problem, list[str]] = {}
    for report in found:
        for weakness in report.weaknesses:
            profiles.setdefault(weakness.problem, []).append(report.profile)
    return profiles


def warning_lines(found: Sequence[ProfileReport]) -> list[str]:
    """A line for each weak point, as `file:line:column: warning: what`; one that only some profiles have names them."""
    return [
        f"{problem.place}: warning: {problem.what}" + ("" if len(having) == len(found) else f" [{', '.join(having)}]")
        for problem, having in warnings(found).items()
    ]


def as_data(found: Sequence[ProfileReport], error: UsageError | None = None) -> dict[str, Any]:
    """All that was found, for programs; ERROR: why there is nothing that was."""
    return {
        "problems": [problem.data() for problem in error.problems] if error else [],
        "warnings": [{**problem.data(), "profiles": having} for problem, having in warnings(found).items()],
        "profiles": [
            {key: getattr(report, key) for key in ("blueprint", "profile", "os", "nodes", "steps", "unchecked")}
            for report in found
        ],
        "error": _error_data(error) if error else None,
    }


def _error_data(error: UsageError) -> dict[str, Any]:
    told = [] if error.problems else list(error.detail)
    return {"what": error.what, "where": error.where, "detail": told, "next": error.cure}
