"""What of a lab's own folder goes into a bundle: how it was made, what was rendered, its logs and results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from labgen.actions.bundle.repro import document_member
from labgen.actions.session.open import OpenLab
from labgen.bundle import model
from labgen.drill.judge.log import read_log
from labgen.drill.judge.verdict import judge
from labgen.drill.report.summary import summary
from labgen.errors import LabgenError
from labgen.overrides.user_defined import EXTRA
from labgen.resources import resource
from labgen.state import LabRecord, cache_folder
from labgen.system.folders import state_folder

LARGEST = 4 << 20
"""Bytes of one log; of a longer one the end is taken."""
MOST_DRILLS = 64 << 20
"""Bytes of drills' logs in all; the newest are taken."""
LEFT_OUT = ("keys", "artefacts", ".vagrant", ".rendered.json")
"""Of the rendered folder."""


def of_the_lab(opened: OpenLab, since: datetime | None, notes: list[str]) -> Iterator[tuple[str, str]]:
    """Member → text of what lies in the lab's own folder, without this machine's paths."""
    folder, hide = opened.folder, _paths_hidden(opened)
    yield model.BLUEPRINT, _text(folder.blueprint)
    yield model.RECORD, as_json(asdict(_portable(opened)))
    with suppress(OSError):
        yield model.STEPS, hide(_text(folder.journal))
    for path in _files(folder.rendered):
        if path.relative_to(folder.rendered).parts[0] not in LEFT_OUT:
            yield f"{model.RENDERED}/{path.relative_to(folder.rendered)}", hide(_text(path))
    for path in _files(folder.logs):
        if path.relative_to(folder.logs).parts[0] != "images":
            yield f"{model.LOGS}/{path.relative_to(folder.logs)}", hide(_text(path, LARGEST))
    for number, document in enumerate(opened.overrides_files, 1):
        yield document_member(number, document), _text(document.path)
        for name, text in document.texts.items():
            yield f"{model.OVERRIDES}/{number}/{name}", text
    for root, home in _own_components(opened):
        for path in _files(home):
            yield f"{model.COMPONENTS}/{root}/{home.name}/{path.relative_to(home)}", _text(path)
    yield from _drills(folder.path / "drills", since, hide, notes)
    for path in _files(folder.path / "repro"):
        yield f"{model.REPRO}/{path.relative_to(folder.path / 'repro')}", hide(_text(path))


def _drills(
    folder: Path, since: datetime | None, hide: Callable[[str], str], notes: list[str]
) -> Iterator[tuple[str, str]]:
    """The raw logs of drills with their verdicts, as computed from them now."""
    room, left = MOST_DRILLS, 0
    newest = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest:
        about = path.stat()
        if since is not None and about.st_mtime < since.timestamp():
            continue
        room -= about.st_size
        if room < 0:
            left += 1
            continue
        yield f"{model.DRILLS}/{path.name}", hide(_text(path))
        try:
            log = read_log(path)
            yield f"{model.DRILLS}/{path.stem}.verdict.json", as_json(summary(log, judge(log), path.name).to_json())
        except LabgenError as error:
            notes.append(f"{model.DRILLS}/{path.name}: {error.what}")
    if left:
        notes.append(f"{left} older logs of drills are left out: they are too large")


def _files(folder: Path) -> list[Path]:
    """The plain files below FOLDER; links are not followed."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


def _text(path: Path, largest: int | None = None) -> str:
    data = path.read_bytes()
    return (data if largest is None else data[-largest:]).decode("utf-8", "surrogateescape")


def as_json(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _paths_hidden(opened: OpenLab) -> Callable[[str], str]:
    """Takes this machine's paths out of a text."""
    named = {str(opened.folder.path): "‹lab›", str(state_folder()): "‹state›", str(cache_folder()): "‹cache›"}
    named |= dict.fromkeys(opened.record.components, "‹components›")
    home = str(Path.home())
    if home.count("/") > 1:  # root's own is that of every node's root, too
        named[home] = "~"

    def hide(text: str) -> str:
        for path, word in named.items():
            text = text.replace(path, word)
        return text

    return hide


def _portable(opened: OpenLab) -> LabRecord:
    """The lab's record without paths: those of what is in the bundle are the bundle's."""
    roots = tuple(f"{model.COMPONENTS}/{number}" for number, _ in enumerate(opened.record.components))
    files = tuple(
        document_member(number, document).removeprefix(f"{model.OVERRIDES}/")
        for number, document in enumerate(opened.overrides_files, 1)
    )
    return replace(opened.record, blueprint=model.BLUEPRINT, components=roots, files=files)


def _own_components(opened: OpenLab) -> list[tuple[int, Path]]:
    """The component folders that the user gave and the lab uses, each with the number of the folder it came from."""
    roots = {Path(root): number for number, root in enumerate(opened.record.components)}
    folders = [component.folder for component in opened.lab.components.values()]
    return [(roots[folder.parent], folder) for folder in folders if folder.parent in roots]


def plugins(opened: OpenLab) -> list[str]:
    """Components that neither labgen has nor the user gave."""
    known = {resource("scripts"), resource("scripts") / EXTRA, *map(Path, opened.record.components)}
    others = (it for it in opened.lab.components.values() if not it.own and it.folder.parent not in known)
    return sorted(component.name for component in others)
