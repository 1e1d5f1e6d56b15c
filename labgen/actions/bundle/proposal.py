"""The lab that a bundle would make, for somebody to say yes to."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from labgen.actions.bundle.trust import addresses_in, record_in
from labgen.actions.session.open import LabRequest, OpenLab, check_lab_name, existing_lab, lab_of, locked
from labgen.artefacts.store import sha256
from labgen.bundle.model import BLUEPRINT, COMPONENTS, LOCK, OVERRIDES, About
from labgen.bundle.pack import take_in
from labgen.components.registry import component_folders
from labgen.errors import LockError, UsageError, at
from labgen.lab.model import Lab
from labgen.lock.model import read_lock
from labgen.providers import have_box
from labgen.state import LabRecord, lab_folder
from labgen.system.folders import state_folder

Progress = Callable[[str], None]
STAGING = ".taking-in-"
LEFT_BEHIND = 86400.0
"""Seconds after which what a killed replay has unpacked is swept away."""
SOURCE = ".source"
"""The digest of the bundle's file, beside its members."""
HOME = "bundle"
"""Where a lab that was made from a bundle keeps it, in its folder."""
NO_LOCK = "take the versions that can be had now: --no-lock"


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
        record, digest = record_in(path, home, about), sha256(path)
        if lacking := [name for name in about.plugins if name not in component_folders()]:
            raise LockError(
                f"the bundle's lab has components that are not on this machine: {', '.join(lacking)}",
                where=path,
                detail=["they came with other packages than labgen, and are in no bundle"],
                cure="install the packages that bring them, then replay again",
            )
        with at(path):
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
    addresses = tuple(addresses_in(offer.source, lab, home / COMPONENTS))
    if offer.opened.folder.exists():
        return replace(offer, by_lock=lab.lock is not None)
    by_lock = offer.by_lock and offer.opened.record.baked and (home / LOCK).is_file()
    if by_lock:
        _locked(offer.source, offer.opened, home / LOCK)
    return replace(offer, by_lock=by_lock, addresses=addresses)


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


def settled(offer: ReplayProposal) -> OpenLab:
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
