"""Lint: the programs that will read the rendered files check them first, in the images, before anything boots."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from labgen.documents import Place, Problem, shown
from labgen.errors import LintError
from labgen.images import ImageSpec, closed, image_made
from labgen.images.machines import image_specs
from labgen.lab.model import Lab
from labgen.lab.secrets import Secrets
from labgen.lint import Complaint, ImageLint, Passed, image_lint, passed_key, run_lint
from labgen.redact import Redactor
from labgen.render.model import Rendered
from labgen.wording import printable

MOST_LINES = 20  # of one validator


@dataclass(frozen=True)
class LintWork:
    """What there is to check. unchecked: nodes of which nothing can be, and why. root: the rendered folder."""

    images: tuple[ImageLint, ...]
    unchecked: Mapping[str, tuple[str, ...]]
    root: Path

    @property
    def digest(self) -> str:
        """The SHA-256 of all that decides how it comes out."""
        parts = [*(work.digest for work in self.images), *(f"{why} {nodes}" for why, nodes in self.unchecked.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def lint_work(lab: Lab, rendered: Rendered, root: Path, *, baked: bool) -> LintWork:
    """The checks of the whole lab; RENDERED is (or would be) written to ROOT."""
    every = tuple(node.name for node in lab.nodes)
    specs = image_specs(lab, baked=baked)
    if not specs:
        return LintWork((), {"a vendor's box is not looked into": every}, root)
    if not baked:
        return LintWork((), {"their programs are installed after the boot (--no-bake)": every}, root)
    by_image: dict[str, tuple[ImageSpec, list[str]]] = {}
    for node, spec in specs.items():
        by_image.setdefault(spec.name, (spec, []))[1].append(node)
    return LintWork(tuple(image_lint(lab, spec, nodes, rendered, root) for spec, nodes in by_image.values()), {}, root)


def unpassed(work: LintWork, secrets: Secrets, cache: Path) -> LintWork:
    """What of WORK has not passed on this machine yet, in this lab or another."""
    passed = _passed(cache)
    left = (image for image in work.images if image.checks and not passed.has(_key(image, secrets, cache)))
    return replace(work, images=tuple(left))


def lint(work: LintWork, secrets: Secrets, cache: Path) -> tuple[str, ...]:
    """Run the checks, all images at the same time; returns a line for each warning, and for what was not looked into.

    What passed is remembered for `unpassed`.

    Raises LintError with all complaints, ImageError when the checks could not be run.
    """
    unchecked = dict(work.unchecked)
    images = []
    for image in (image for image in work.images if image.checks):
        if why := closed(image.spec, cache):
            unchecked[why] = (*unchecked.get(why, ()), *image.files)
        else:
            images.append(image)
    complaints: list[Complaint] = []
    stop = Event()
    with ThreadPoolExecutor(max(len(images), 1)) as pool:
        try:
            for found in pool.map(lambda image: run_lint(image, stop), images):
                complaints += found
        except BaseException:
            # One could not be asked, or Ctrl-C: the others are not waited for.
            stop.set()
            raise
    if refused := [complaint for complaint in complaints if not complaint.warns]:
        raise refusal(refused, secrets, work.root)
    redact = Redactor(secrets)
    warnings = [
        f"warning: {printable(redact(line))} (on {', '.join(complaint.nodes)})"
        for complaint in complaints
        for line in complaint.lines
    ]
    _passed(cache).keep(_key(image, secrets, cache) for image in images)
    unread = (
        f"files not checked by the programs that read them: those of {', '.join(nodes)}; {why}"
        for why, nodes in unchecked.items()
    )
    return (*warnings, *unread)


def _passed(cache: Path) -> Passed:
    return Passed(cache / "linted")


def _key(image: ImageLint, secrets: Secrets, cache: Path) -> str:
    return passed_key(image, image_made(image.spec, cache), secrets)


def refusal(complaints: Sequence[Complaint], secrets: Secrets, root: Path) -> LintError:
    """All complaints as one error, each with its node, component, file and the validator's own lines."""
    redact = Redactor(secrets)
    detail = []
    for complaint in complaints:
        detail.append(f"{', '.join(complaint.nodes)}: {complaint.title}")
        detail += [f"  {file.component}: {_below(file.source, root)}" for file in complaint.files]
        lines = [printable(redact(line.expandtabs())) for line in complaint.lines if line.strip()]
        detail += [f"    {line}" for line in lines[:MOST_LINES]]
        if len(lines) > MOST_LINES:
            detail.append(f"    … and {len(lines) - MOST_LINES} lines more")
    sources = {file.source for complaint in complaints for file in complaint.files}
    count = "1 complaint" if len(complaints) == 1 else f"{len(complaints)} complaints"
    return LintError(
        f"rendered files are refused by the programs that are to read them: {count}",
        [problem for complaint in complaints for problem in _problems(complaint, redact)],
        where=sources.pop() if len(sources) == 1 else root,
        detail=detail,
        cure="change the setting, or the component's template, that these lines come from; then run the same command "
        "again\nnothing was booted or changed",
    )


def _problems(complaint: Complaint, redact: Redactor) -> list[Problem]:
    """Each line of COMPLAINT that names a line of one of its files; if none does, its first line, for each file."""
    lines = [printable(redact(line.expandtabs())).strip() for line in complaint.lines if line.strip()]
    found = []
    for file in complaint.files:
        place = re.compile(rf"{re.escape(file.path)}(?::|:? line |, line )(\d+)(?::(\d+))?")
        for line in lines:
            if at := place.search(line):
                found.append(Problem(Place(shown(file.source), int(at[1]), int(at[2] or 1)), "", line))
    whole = f"{complaint.title}: {lines[0] if lines else 'refused'}"
    return found or [Problem(Place(shown(file.source)), "", whole) for file in complaint.files]


def _below(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
