"""What of a bundle is taken, and what is refused: it is somebody else's word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from labgen.actions.session.open import check_lab_name
from labgen.artefacts.store import identity
from labgen.blueprint.extends import EXTENDS
from labgen.bundle.model import BLUEPRINT, BUNDLE, OVERRIDES, RECORD, REPRO, About
from labgen.components.manifest import DebianPoolSource, GoSource, PypiSource, ReleaseSource, UrlSource
from labgen.components.registry import MANIFEST, Component, load_component
from labgen.documents import SUFFIXES, parse_document
from labgen.errors import DocumentError, LabgenError, LockError, UsageError
from labgen.lab.model import Lab
from labgen.resources import resource
from labgen.state import LabFolder, LabRecord
from labgen.wording import printable


def record_in(path: Path, home: Path, about: About) -> LabRecord:
    """How the bundled lab was made; raises LockError when that cannot be read."""
    for name in (RECORD, BLUEPRINT):
        if not (home / name).is_file():
            raise BUNDLE.refused(path, f"{name} is missing")
    try:
        record = LabFolder(home).record(moved=True)
    except LabgenError as error:
        newer = "is of a newer labgen" if error.cure == "update labgen" else "is damaged"
        raise BUNDLE.refused(path, f"{RECORD} {newer}") from None
    _refuse_other_kinds(path, record)
    try:
        check_lab_name(record.name)
    except UsageError as error:
        raise BUNDLE.refused(path, f"{RECORD}: {error.what}") from None
    members = [f"{OVERRIDES}/{name}" for name in record.files]
    if about.reproduction:
        members.append(about.reproduction.member)
    for member in members:
        if member not in about.members or not member.startswith((f"{OVERRIDES}/", f"{REPRO}/")):
            raise BUNDLE.refused(path, f"{printable(member)} is missing")
    given = (path for folder in (OVERRIDES, REPRO) for path in sorted((home / folder).rglob("*")))
    for document in (home / BLUEPRINT, *(path for path in given if path.suffix in SUFFIXES)):
        # It would be looked for on this machine.
        if _extends(document):
            raise BUNDLE.refused(path, f"{document.relative_to(home)} extends another blueprint")
    return record


def _refuse_other_kinds(path: Path, record: LabRecord) -> None:
    """Raise LockError unless every value of RECORD is of the kind that it should be."""
    try:
        # Tuples are lists in JSON: strictness is about the kinds of values.
        TypeAdapter(LabRecord).validate_json(json.dumps(asdict(record)), strict=True)
    except ValidationError:
        raise BUNDLE.refused(path, f"{RECORD} is damaged") from None


def _extends(document: Path) -> bool:
    try:
        return EXTENDS in parse_document(document, kind="blueprint").plain
    except DocumentError:
        return False  # whoever reads it says what is wrong with it


def addresses_in(path: Path, lab: Lab, home: Path) -> Iterator[str]:
    """What the bundle's own components would have this machine fetch.

    Raises LockError when one would have it build or install something: what is built runs here.
    """
    for component in lab.components.values():
        if not component.folder.is_relative_to(home):
            continue
        known = {identity(artefact) for artefact in _built_in(component, lab.os).manifest.artefacts.values()}
        for name, artefact in component.manifest.artefacts.items():
            if identity(artefact) in known:
                continue
            for source in artefact.sources:
                match source:
                    case UrlSource() | ReleaseSource():
                        yield f"{name} {artefact.version} from {source.url}"
                    case DebianPoolSource():
                        yield f"{name} {artefact.version} from this machine's mirror ({source.package})"
                    case GoSource() | PypiSource():
                        raise LockError(
                            f"the bundle's component {component.name} wants {name} built on this machine",
                            where=path,
                            detail=[f"by {source.kind}: what is built there is not labgen's choice, and may run here"],
                            cure="ask for a bundle without it, or look at the component and give it yourself:\n"
                            "unpack the bundle, then labgen up … --components DIR",
                        )


def _built_in(component: Component, os: str) -> Component:
    """labgen's own component of that name, in the same version; COMPONENT without artefacts if there is none."""
    folder = resource("scripts") / component.name
    if not (folder / MANIFEST).is_file():
        return replace(component, manifest=component.manifest.model_copy(update={"artefacts": {}}))
    own = load_component(folder)
    return own.in_version(component.chosen, os) if component.chosen else own
