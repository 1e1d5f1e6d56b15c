"""From a word on the command line to a lab: a blueprint's name, a path to one, or the name of a lab that exists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from labgen.actions.session.find import find_lab_blueprint
from labgen.actions.session.networks import another_network, refuse_taken
from labgen.artefacts.store import identity
from labgen.blueprint.files import blueprint_files
from labgen.blueprint.loader import load_blueprint, whole_text
from labgen.components.versions import is_same
from labgen.errors import DocumentError, UnknownNameError, UsageError, at
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve
from labgen.lab.scaling import Scale, scaled
from labgen.lock.model import LockedLab, read_lock
from labgen.naming import refuse_name
from labgen.overrides import OverridesFile, read_overrides
from labgen.overrides.words import changed
from labgen.providers import default_provider, get_provider
from labgen.state import LabFolder, LabRecord, find_lab, lab_folder, labs_locked, unknown_lab
from labgen.system.files import is_file


@dataclass(frozen=True)
class LabRequest:
    """What the user asked for; None and empty mean: as the lab is, or as the blueprint says.

    overrides: `--set` words, over those that a lab remembers. unset: paths of such words, which are taken back.
    files: overrides documents, or reproductions, whose `overrides` count.
    """

    lab: str
    name: str | None = None
    provider: str | None = None
    profile: str | None = None
    overrides: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    components: tuple[Path, ...] = ()
    baked: bool | None = None
    lock: Path | None = None
    unset: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenLab:
    """A lab with its folder and the record it is made from. `blueprint` is the file that counts now.

    overrides_files: the overrides documents that it is made with. notes: what was decided for the user, who should
    know of it.
    """

    lab: Lab
    folder: LabFolder
    record: LabRecord
    blueprint: Path
    notes: tuple[str, ...] = ()
    overrides_files: tuple[OverridesFile, ...] = ()

    def save(self) -> None:
        """Write the lab down; raises AddressInUseError when another one has been made in its range meanwhile."""
        with labs_locked():
            self.write_down()

    def write_down(self) -> None:
        """The same, for a caller that holds the lock of all labs."""
        if not self.folder.exists():
            refuse_taken(self.lab)
            # Before the record: without one there is no lab yet, whatever lies in its folder.
            self.folder.keep_lock(self.lab.lock)
        self.folder.save(self.record, self.blueprint, self.overrides_files)

    def again(self, record: LabRecord) -> OpenLab:
        """The same lab, as RECORD has it."""
        lab = _resolve(record, self.blueprint, self.overrides_files)
        return replace(self, lab=replace(lab, lock=self.lab.lock), record=record)

    def rescaled(self, scale: Scale) -> OpenLab:
        """The same lab with the nodes that SCALE says; `--set` words about one that is gone go with it."""
        gone = {*scale.removed, *(name for name, _ in self.record.scale.added if name not in dict(scale.added))}
        about_them = tuple(f"nodes.{name}." for name in gone)
        kept = tuple(word for word in self.record.overrides if not word.startswith(about_them))
        return self.again(replace(self.record, scale=scale, overrides=kept))


def lab_of(request: LabRequest, *, make: bool = False) -> OpenLab:
    """The lab that REQUEST describes, new or existing.

    make: it is about to be made, so a new one gets a range that no lab on this machine has, unless REQUEST says which,
    and one that exists stays what it is; else REQUEST is a question, and answered as asked.
    Raises UnknownNameError, DocumentError, or UsageError when an existing lab would have to become another one.
    """
    if request.name is None and (existing := find_lab(request.lab)):
        return _as_it_is(existing, request, make=make)
    path = find_lab_blueprint(request.lab)
    loaded = load_blueprint(path, request.components)
    name = request.name or loaded.blueprint.name
    check_lab_name(name)
    folder = lab_folder(name)
    if folder.exists():
        _refuse_other_blueprint(folder, loaded.blueprint.name)
        return _as_it_is(folder, request, path, make=make)
    changed((), request.overrides, request.unset)
    provider = get_provider(request.provider).name if request.provider else default_provider()
    overrides_files = tuple(map(read_overrides, request.files))

    def resolved(network: str | None = None) -> Lab:
        return resolve(
            loaded,
            provider=provider,
            profile=request.profile,
            name=name,
            overrides=request.overrides,
            files=overrides_files,
            emulated=get_provider(provider).emulated,
            network=network,
        )

    lab = resolved()
    notes: tuple[str, ...] = ()
    if make and find_lab(request.lab) and request.lab not in blueprint_files():
        notes = (f"{name} is a second lab: {request.lab} stays as it is",)
    if make and ("network", "cidr") not in lab.origins and (place := another_network(lab)):
        lab, notes = resolved(place.cidr), (*notes, place.why)
    record = LabRecord(
        name=name,
        blueprint=str(path.resolve()),
        profile=lab.profile,
        provider=provider,
        overrides=request.overrides,
        components=tuple(str(root.resolve()) for root in request.components),
        baked=request.baked is not False,
        network=lab.network.cidr,
    )
    if request.lock:
        lab = locked(lab, request.lock)
    return OpenLab(lab, folder, record, path, notes, overrides_files)


def existing_lab(name: str, *, by_lock: bool = True) -> OpenLab:
    """The lab NAME as it was last brought up, from its own copy of the blueprint; raises UnknownNameError.

    by_lock: with its lock, if it has one; raises LockError when that is damaged.
    """
    folder = find_lab(name)
    if folder is None:
        if name in blueprint_files():
            raise UsageError(f"there is no lab {name} yet", cure=f"labgen up {name}")
        raise unknown_lab(name)
    record = folder.record()
    overrides_files = folder.overrides_files(record)
    try:
        lab = _resolve(record, folder.blueprint, overrides_files)
    except DocumentError as error:
        if {Path(problem.place.file).absolute() for problem in error.problems} == {folder.blueprint}:
            error.cure = f"labgen up {name} takes this copy anew from {record.blueprint}; labgen destroy works, too"
        raise
    lab = _with_its_lock(lab, folder) if by_lock else lab
    return OpenLab(lab, folder, record, folder.blueprint, overrides_files=overrides_files)


def _as_it_is(folder: LabFolder, request: LabRequest, named: Path | None = None, *, make: bool) -> OpenLab:
    """The lab in FOLDER; NAMED is the blueprint's file when the user named one. make: it has to stay what it is."""
    record = folder.record()
    another = _refuse_another(folder, record, request) if make else _is_another(record, request)
    if another:
        provider = get_provider(request.provider).name if request.provider else record.provider
        record = replace(record, provider=provider, profile=request.profile or record.profile)
    if named is not None:
        record = replace(record, blueprint=str(named.resolve()))
    if request.baked is not None:
        record = replace(record, baked=request.baked)
    words = changed(record.overrides, request.overrides, request.unset)
    record = replace(record, overrides=words.words)
    if request.components:
        record = replace(record, components=tuple(str(root.resolve()) for root in request.components))
    # The blueprint may have been edited since: the file counts, as long as it is there.
    path = Path(record.blueprint)
    path = path if is_file(path) else folder.blueprint
    overrides_files = tuple(map(read_overrides, request.files)) if request.files else folder.overrides_files(record)
    lab = _resolve(record, path, overrides_files)
    if make and (words.words != folder.record().overrides or request.files or _is_edited(path, folder)):
        _refuse_other_ground(folder, lab, path)
    lab = lab if another else _with_its_lock(lab, folder)
    if request.lock and read_lock(request.lock) != lab.lock:
        raise _another(record.name, "lock", "another one" if lab.lock else "none", str(request.lock))
    record, notes = replace(record, network=lab.network.cidr), tuple(words.notes(record.name)) if make else ()
    return OpenLab(lab, folder, record, path, notes, overrides_files)


def _is_edited(path: Path, folder: LabFolder) -> bool:
    """Whether the blueprint at PATH is another than the lab in FOLDER was made from; a copy that is gone is another."""
    return not folder.blueprint.is_file() or whole_text(path) != folder.blueprint.read_bytes()


def _with_its_lock(lab: Lab, folder: LabFolder) -> Lab:
    """LAB with the lock that it was made by, if it was."""
    return locked(lab, folder.lock) if folder.lock.exists() else lab


def locked(lab: Lab, path: Path) -> Lab:
    """LAB, to be made of what the lock file PATH names; raises LockError when that is damaged or for something else."""
    lock = read_lock(path)
    artefacts = {
        name: (artefact.version, identity(artefact))
        for component in lab.components.values()
        for name, artefact in component.manifest.artefacts.items()
    }
    lock.refuse_other(locked_lab(lab), artefacts, path)
    return replace(lab, lock=lock)


def locked_lab(lab: Lab) -> LockedLab:
    """What a lock says that it was made for, when it was made for LAB."""
    return LockedLab(blueprint=lab.blueprint.name, profile=lab.profile, provider=lab.provider, os=lab.os)


def _resolve(record: LabRecord, blueprint: Path, overrides_files: tuple[OverridesFile, ...]) -> Lab:
    loaded = load_blueprint(blueprint, tuple(Path(root) for root in record.components))
    # What no document and no word asked for stands in the lab's record.
    with at(lab_folder(record.name).path / "lab.json"):
        return resolve(
            scaled(loaded, record.scale),
            provider=record.provider,
            profile=record.profile,
            name=record.name,
            overrides=record.overrides,
            files=overrides_files,
            emulated=get_provider(record.provider).emulated,
            network=record.network,
        )


def _is_another(record: LabRecord, request: LabRequest) -> bool:
    return request.provider not in (None, record.provider) or request.profile not in (None, record.profile)


def _refuse_another(folder: LabFolder, record: LabRecord, request: LabRequest) -> bool:
    """False; raises UnknownNameError for a provider or profile that there is not, UsageError for another that is."""
    if request.provider is not None and get_provider(request.provider).name != record.provider:
        raise _another(record.name, "provider", record.provider, request.provider)
    if request.profile is not None and request.profile != record.profile:
        known = load_blueprint(folder.blueprint, tuple(map(Path, record.components))).blueprint.profiles
        if request.profile not in known:
            raise UnknownNameError("profile", request.profile, known, where=folder.blueprint)
        raise _another(record.name, "profile", record.profile, request.profile)
    return False


def _refuse_other_ground(folder: LabFolder, lab: Lab, blueprint: Path) -> None:
    """What stays as long as the lab: its network, its operating system, and the versions that were chosen."""
    try:
        had = _resolve(folder.record(), folder.blueprint, folder.overrides_files(folder.record()))
    except UsageError:
        return  # what the lab was made from does not hold any more, so nothing is known about it
    grounds = (
        ("operating system", had.os, lab.os, ("os",)),
        ("network", had.network.cidr, lab.network.cidr, ("network", "cidr")),
    )
    for what, was, wanted, path in grounds:
        if wanted != was:
            raise _another(lab.name, what, was, wanted, where=_cause(had, lab, path, blueprint))
    for name in sorted(had.components.keys() & lab.components.keys()):
        if lab.components[name].manifest.choosable(lab.os) and not is_same(lab.versions[name], had.versions[name]):
            keep = f"; --set versions.{name}={had.versions[name]} keeps it"
            why = _cause(had, lab, ("versions", name), blueprint)
            raise _another(lab.name, f"{name} version", had.versions[name], lab.versions[name], keep, why)


def _cause(had: Lab, lab: Lab, path: tuple[str, ...], blueprint: Path) -> str:
    """What makes the value at PATH of LAB another than it was: what says it now, or does not any more."""
    if path in had.origins and path not in lab.origins:
        return f"--unset {'.'.join(path)}, or without {had.origins[path]}"
    return lab.origins.get(path, str(blueprint))


def _another(lab: str, what: str, has: str, wanted: str, keep: str = "", where: str | None = None) -> UsageError:
    return UsageError(
        f"the lab {lab} exists with the {what} {has}, not {wanted}",
        where=where,
        cure=f"labgen destroy {lab} --yes, or make a second lab with another --name{keep}",
    )


def _refuse_other_blueprint(folder: LabFolder, wanted: str) -> None:
    """A lab keeps the blueprint it was made from; whether the file has moved or changed does not matter."""
    record = folder.record()
    try:
        has = load_blueprint(folder.blueprint, tuple(Path(root) for root in record.components)).blueprint.name
    except UsageError:
        return
    if has != wanted:
        raise _another(record.name, "blueprint", has, wanted)


def check_lab_name(name: str) -> None:
    """Raise UsageError unless NAME can name containers, domains and folders."""
    refuse_name(name, "a lab", "--name")
