"""`replay`: the lab of a bundle, made again on this machine and compared with the one that was bundled.

A bundle is somebody else's word. What is taken from it is data: a blueprint, values, and scripts for the nodes.
Machines, files and steps are made of them by this labgen; nothing that was rendered elsewhere is used, and nothing of
it runs here.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from labgen.actions.lab.destroy import destroy
from labgen.actions.lab.up import bring_up
from labgen.actions.lab.verify import ANSWER_WITHIN
from labgen.actions.repro.run import run_reproduction
from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import LabRequest, OpenLab, check_lab_name, existing_lab, lab_of, locked
from labgen.actions.session.reporter import Reporter
from labgen.artefacts.store import identity, sha256
from labgen.blueprint.extends import EXTENDS
from labgen.bundle.collect import PACKAGES, installed, packages_in
from labgen.bundle.compare import CheckPair, check_pairs, package_differences
from labgen.bundle.model import BLUEPRINT, BUNDLE, COMPONENTS, LOCK, NODES, OVERRIDES, RECORD, REPRO, About
from labgen.bundle.pack import take_in
from labgen.components.manifest import DebianPoolSource, GoSource, PypiSource, UrlSource
from labgen.components.registry import MANIFEST, Component, component_folders, load_component
from labgen.documents import SUFFIXES, parse_document
from labgen.errors import DocumentError, LabgenError, LockError, PackageError, UsageError
from labgen.lab.model import Lab
from labgen.lock.model import read_lock
from labgen.providers import have_box
from labgen.provision import Connections
from labgen.repro.judge import ReproVerdict
from labgen.repro.play import Attempt
from labgen.repro.result import ReproOutcome
from labgen.resources import resource
from labgen.state import LabFolder, LabRecord, lab_folder
from labgen.system.folders import state_folder
from labgen.wording import printable

Progress = Callable[[str], None]
STAGING = ".taking-in-"
LEFT_BEHIND = 86400.0
"""Seconds after which what a killed replay has unpacked is swept away."""
SOURCE = ".source"
"""The digest of the bundle's file, beside its members."""
HOME = "bundle"
"""Where a lab that was made from a bundle keeps it, in its folder."""
NO_LOCK = "take the versions that can be had now: --no-lock"
GONE = (
    "have them sent from where the lab was made: labgen fetch LAB --lock labgen.lock -o FILE there, with the bundle's\n"
    f"lock, and labgen fetch --from FILE here; or {NO_LOCK}"
)


@dataclass(frozen=True)
class ReplayProposal:
    """A bundle that is sound, and the lab that would be made of it.

    source: its file, with its digest. home: its members, unpacked. opened: the lab, of which nothing is there yet.
    by_lock: whether it is made of the packages that were bundled. addresses: what its own components have this machine
    fetch.
    """

    source: Path
    digest: str
    home: Path
    about: About
    record: LabRecord
    opened: OpenLab
    by_lock: bool
    addresses: tuple[str, ...]

    @property
    def scripts(self) -> tuple[str, ...]:
        """What of the bundle would run, on the nodes, a line each."""
        lab = self.opened.lab
        steps = [name for name, component in lab.components.items() if component.own]
        told = [f"the step {name.removeprefix('step-')}" for name in steps]
        told += [f"the file {file.about.path}" for file in lab.files]
        if repro := self.about.reproduction:
            told.append(f"the commands of the reproduction {repro.name} ({repro.member})")
        return (*told, *(script for script in self.about.scripts if script.startswith(f"{COMPONENTS}/")))


@dataclass(frozen=True)
class Replayed:
    """What came of it. packages: how those of the nodes differ from the bundle's, a line each.

    outcome: of the bundle's reproduction, None if it has none; then: the verdict that the bundle has, if any. The
    checks are compared where there is no reproduction: after one the lab is in whatever condition that leaves it.
    """

    lab: str
    packages: tuple[str, ...]
    checks: tuple[CheckPair, ...]
    outcome: ReproOutcome | None
    then: str
    kept: bool

    @property
    def same(self) -> bool:
        """Whether the lab does what the bundled one did."""
        if self.outcome is not None:
            return self.outcome.verdict.value == (self.then or ReproVerdict.REPRODUCED.value)
        return all(pair.same for pair in self.checks)


@contextmanager
def offered(
    path: Path, progress: Progress, *, name: str | None = None, provider: str | None = None, by_lock: bool = True
) -> Iterator[ReplayProposal]:
    """The lab that the bundle PATH makes, for somebody to say yes to; what was unpacked goes away afterwards.

    A replay of the same file that was cut off goes on. Raises LockError when the bundle is damaged, of a newer labgen
    or not to be trusted, and UsageError or DocumentError where no lab can be made of it.
    """
    state = state_folder()
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    for cut_off in state.glob(f"{STAGING}*"):
        if cut_off.stat().st_mtime < time.time() - LEFT_BEHIND:
            shutil.rmtree(cut_off, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=state, prefix=STAGING, ignore_cleanup_errors=True) as scratch:
        home = Path(scratch)
        about = take_in(path, home, progress)
        record, digest = _record(path, home, about), sha256(path)
        if lacking := [name for name in about.plugins if name not in component_folders()]:
            raise LockError(
                f"the bundle's lab has components that are not on this machine: {', '.join(lacking)}",
                where=path,
                detail=["they came with other packages than labgen, and are in no bundle"],
                cure="install the packages that bring them, then replay again",
            )
        opened = _begun(path, digest, name or record.name) or _open(home, record, name or record.name, provider)
        yield _offer(ReplayProposal(path, digest, home, about, record, opened, by_lock, ()))


def _offer(offer: ReplayProposal) -> ReplayProposal:
    """OFFER with what it lacks; raises an error if this machine should not make a lab of it."""
    lab, home = offer.opened.lab, offer.home
    if lab.box is not None and not have_box(lab.box, lab.provider):
        raise LockError(
            f"the bundle's lab boots from the box {lab.box}, which is not on this machine",
            where=offer.source,
            detail=["a box brings a Vagrantfile of its own, which would run here"],
            cure=f"if you trust it: vagrant box add {lab.box} --provider {lab.provider}, then replay again",
        )
    addresses = tuple(_addresses(offer.source, lab, home / COMPONENTS))
    if offer.opened.folder.exists():
        return replace(offer, by_lock=lab.lock is not None)
    by_lock = offer.by_lock and offer.opened.record.baked and (home / LOCK).is_file()
    if by_lock:
        _locked(offer.source, offer.opened, home / LOCK)
    return replace(offer, by_lock=by_lock, addresses=addresses)


def _record(path: Path, home: Path, about: About) -> LabRecord:
    """How the bundled lab was made; raises LockError when that cannot be read."""
    for name in (RECORD, BLUEPRINT):
        if not (home / name).is_file():
            raise BUNDLE.refused(path, f"{name} is missing")
    try:
        record = LabFolder(home).record()
    except LabgenError as error:
        newer = "is of a newer labgen" if error.cure == "update labgen" else "is damaged"
        raise BUNDLE.refused(path, f"{RECORD} {newer}") from None
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


def _extends(document: Path) -> bool:
    try:
        return EXTENDS in parse_document(document, kind="blueprint").plain
    except DocumentError:
        return False  # whoever reads it says what is wrong with it


def _begun(path: Path, digest: str, name: str) -> OpenLab | None:
    """The lab NAME, if a replay of this very bundle has begun to make it; raises UsageError if it is another."""
    check_lab_name(name)
    folder = lab_folder(name)
    if not folder.exists():
        return None
    source = folder.path / HOME / SOURCE
    if not source.is_file() or source.read_text() != digest:
        raise UsageError(
            f"there is a lab {name} already, which was not made from this bundle",
            where=path,
            cure=f"make it under another name: labgen replay {path.name} --name {name}-again",
        )
    return existing_lab(name)


def _open(home: Path, record: LabRecord, name: str, provider: str | None) -> OpenLab:
    """The lab that would be made of what lies in HOME."""
    roots = tuple(sorted((home / COMPONENTS).glob("*")))
    opened = lab_of(
        LabRequest(
            lab=str(home / BLUEPRINT),
            name=name,
            provider=provider or record.provider,
            profile=record.profile,
            overrides=record.overrides,
            files=tuple(home / OVERRIDES / name for name in record.files),
            components=roots,
            # An install step that came with a bundle runs in a guest, never in a chroot of this machine.
            baked=record.baked and not roots,
        ),
        make=True,
    )
    return opened.rescaled(record.scale.settled) if record.scale.added or record.scale.removed else opened


def _addresses(path: Path, lab: Lab, home: Path) -> Iterator[str]:
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
                    case UrlSource():
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


def _locked(path: Path, opened: OpenLab, lock: Path) -> Lab:
    """The lab by the bundle's lock; raises LockError in words about the bundle when the lock is for another."""
    known = read_lock(lock).labs
    if opened.lab.provider not in {lab.provider for lab in known}:
        raise LockError(
            f"the bundle's lock is for {', '.join(sorted({lab.provider for lab in known}))}, not {opened.lab.provider}",
            where=path,
            cure=f"leave --provider out, or {NO_LOCK}",
        )
    try:
        return locked(opened.lab, lock)
    except LockError as error:
        raise LockError(
            "the bundle's lock does not go with what this labgen would make",
            where=path,
            detail=[error.what, *error.detail],
            cure=f"use the labgen that made the bundle, or {NO_LOCK}",
        ) from None


def replay(
    offer: ReplayProposal,
    reporter: Reporter,
    *,
    keep: bool = True,
    offline: bool = False,
    on_try: Callable[[Attempt], None] = lambda _: None,
) -> Replayed:
    """Make the lab of OFFER and compare it; without KEEP it is destroyed again, whatever came of it.

    Raises what `up` raises; PackageError names the packages of the lock that cannot be had any more.
    """
    opened, about = _settled(offer), offer.about
    home = opened.folder.path / HOME
    outcome, report = None, None
    try:
        try:
            if about.reproduction:
                # From here on there is a lab, of which no machine is there yet.
                opened.save()
                request = LabRequest(lab=opened.lab.name)
                document = home / about.reproduction.member
                outcome = run_reproduction(document, reporter, request, offline=offline, on_try=on_try)
            else:
                with opened.folder.locked():
                    report = bring_up(opened, reporter, offline=offline).report
        except PackageError as error:
            raise PackageError(error.what, where=offer.source, detail=error.detail, cure=GONE) from None
        with Connections(endpoints(opened), opened.folder.known_hosts, timeout=ANSWER_WITHIN) as connections:
            now = installed(connections)
        checks = {} if report is None else {result.name: result.status.value for result in report.results}
        return Replayed(
            lab=opened.lab.name,
            packages=tuple(package_differences(_bundled(home), now)),
            checks=check_pairs(about.checks, checks) if about.checks and report is not None else (),
            outcome=outcome,
            then=about.reproduction.verdict if about.reproduction else "",
            kept=keep,
        )
    finally:
        if not opened.folder.exists():
            opened.folder.remove()
        elif not keep:
            destroy(opened.lab.name)


def _settled(offer: ReplayProposal) -> OpenLab:
    """The lab with the bundle in its own folder, where it stays: the lab is made of what lies there."""
    folder = offer.opened.folder
    if folder.exists():
        return offer.opened
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = folder.path / HOME
    shutil.rmtree(home, ignore_errors=True)
    offer.home.rename(home)
    (home / SOURCE).write_text(offer.digest)
    opened = _open(home, offer.record, folder.name, offer.opened.lab.provider)
    return replace(opened, lab=_locked(offer.source, opened, home / LOCK)) if offer.by_lock else opened


def _bundled(home: Path) -> dict[str, tuple[str, ...]]:
    """Node → the packages that it had."""
    return {path.parent.name: packages_in(path.read_text()) for path in (home / NODES).glob(f"*/{PACKAGES}")}
