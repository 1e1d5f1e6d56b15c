"""Finds components: the built-in folders under `scripts/`, and folders that plugins or `--components` add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from labgen.components.manifest import FailoverManagerRole, Manifest
from labgen.components.versions import is_of_series, is_package_version, is_same
from labgen.documents import Loc
from labgen.documents.model import read_document
from labgen.errors import DocumentError, meant
from labgen.plugins import COMPONENTS, cure_for, plugin_folders
from labgen.reading import read_text
from labgen.resources import resource
from labgen.systems import System, system

MANIFEST = "component.yml"
VERSION = "version"
"""The file beside a component's scripts that tells its install step which version was chosen."""
SUITE = "suite"
"""That one, for where in the operating system's archive it is."""
STAGES = ("install", "configure", "start", "ready")
LEAVE = "leave"
"""What a node does before it is removed from its lab; no stage, since no plan has it."""


@dataclass(frozen=True)
class Hook:
    """Where a step of a user's own stands: before or after STAGE of COMPONENT (empty: of all of the node's)."""

    stage: str
    component: str = ""
    before: bool = False


@dataclass(frozen=True)
class Component:
    """A component's folder and what its manifest says.

    chosen: the version it was put into in place of the operating system's, which its install step is told; else empty.
    texts: files that are not in the folder, by name, or go over those that are. own: it is a step of the user's, which
    no image holds, since it may run nowhere but on a node; hook says where it stands.
    """

    folder: Path
    manifest: Manifest
    chosen: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    hook: Hook | None = None

    @property
    def own(self) -> bool:
        return self.hook is not None

    @property
    def scripts(self) -> dict[str, str]:
        """The shell scripts, name → text."""
        inside = {path.name: read_text(path) for path in sorted(self.folder.glob("*.sh"))}
        return {**inside, **{name: text for name, text in self.texts.items() if name.endswith(".sh")}}

    @property
    def shipped(self) -> dict[str, str]:
        """All that lies in the component's folder on a node, name → text: the scripts, and what they read."""
        return {**self.scripts, **self.texts, **({VERSION: f"{self.chosen}\n"} if self.chosen else {})}

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages this component has a script for, in order."""
        return tuple(stage for stage in STAGES if self._has(f"{stage}.sh"))

    @property
    def leaves(self) -> bool:
        """Whether something has to be done before a node with this component is removed."""
        return self._has(f"{LEAVE}.sh")

    @property
    def manages(self) -> bool:
        """Whether it decides who leads: a node with it is a member of the cluster."""
        return any(isinstance(role, FailoverManagerRole) for role in self.manifest.provides)

    def _has(self, name: str) -> bool:
        return name in self.texts or (self.folder / name).is_file()

    def version_problem(self, version: str, os: str) -> str | None:
        """Why the component cannot be had in VERSION on OS, as a sentence; None if it can."""
        about = self.manifest
        if self.pins(version, os) and not system(os).moving and not is_of_series(version, about.versions[os]):
            return f"{self.name} comes from {system(os).title} in the version {about.versions[os]}, not as {version}"
        if (
            self.pins(version, os)
            or version in (about.versions.get(os), *about.suites.get(os, {}))
            or self._brings(version)
        ):
            return None
        if about.other_versions:
            problem = about.other_versions.problem(version)
            return problem and f"the version of {self.name} {problem}"
        if os in about.versions:
            there = " or ".join((about.versions[os], *about.suites.get(os, {})))
            return f"{self.name} comes from {os.replace('-', ' ').title()} in the version {there}"
        if self.name in about.artefacts:
            return f"{self.name} comes in the version {about.artefacts[self.name].version}"
        return f"{self.name} comes in one version"

    def pins(self, version: str, os: str) -> dict[str, str]:
        """Debian package → VERSION, where that is one of Debian's own (`2.6.12-1+deb12u2`); else nothing."""
        about = self.manifest
        if os not in about.versions or not is_package_version(version):
            return {}
        return {package.replace("{version}", about.versions[os]): version for package in about.packages}

    def in_version(self, version: str, os: str) -> Component:
        """The component with VERSION of its program; what OS has itself comes from there as ever."""
        about = self.manifest
        if self.pins(version, os):
            return self
        if suite := about.suites.get(os, {}).get(version):
            about = about.model_copy(update={"versions": {**about.versions, os: version}})
            return replace(self, manifest=about, chosen=version, texts={**self.texts, SUITE: f"{suite}\n"})
        own = os in about.versions and _gives(system(os), about.versions[os], version)
        if about.other_versions is None or own or self._brings(version):
            return self
        changed = {
            "versions": {name: version if name == os else own for name, own in about.versions.items()},
            "artefacts": {**about.artefacts, **about.other_versions.artefacts(self.name, version, os)},
        }
        return replace(self, manifest=about.model_copy(update=changed), chosen=version)

    def _brings(self, version: str) -> bool:
        """Whether VERSION is that of the program which its manifest pins."""
        pinned = self.manifest.artefacts.get(self.name)
        return pinned is not None and pinned.version == version


def _gives(found: System, own: str, version: str) -> bool:
    """Whether FOUND, which has OWN of a program, has VERSION: where packages move, 4.1 is not known to be 4.1.0."""
    return version == own if found.moving else is_same(version, own)


def load_component(folder: Path) -> Component:
    """Read FOLDER's manifest; raises DocumentError with every problem in it, and whose it is."""
    try:
        return _load(folder)
    except DocumentError as error:
        error.cure = error.cure or cure_for(folder)
        raise


def _load(folder: Path) -> Component:
    path = folder / MANIFEST
    document = read_document(path, Manifest, kind="component manifest")
    manifest, source = document.value, document.source
    problems = []
    if manifest.name != folder.name:
        problems.append(source.problem(("name",), f"is '{manifest.name}', but the folder is called '{folder.name}'"))
    problems += [
        source.problem(("files", index, "template"), f"there is no file '{file.template}' beside the manifest")
        for index, file in enumerate(manifest.files)
        if not (folder / file.template).is_file()
    ]
    problems += [source.problem(loc, text) for loc, text in _unknown_parameters(manifest)]
    if problems:
        raise DocumentError(problems, kind="component manifest")
    return Component(folder, manifest)


def _unknown_parameters(manifest: Manifest) -> Iterator[tuple[Loc, str]]:
    """What roles say of parameters that there are not: place and words. In silence, no node would have such a role."""
    for index, role in enumerate(manifest.provides):
        loc: Loc = ("provides", index)
        named = [((*loc, "where", name), name) for name in getattr(role, "where", {})]
        if member := getattr(role, "member", None):
            named.append(((*loc, "member"), member))
        for place, name in named:
            if name not in manifest.parameters:
                yield place, f"there is no parameter '{name}'; {meant(name, manifest.parameters)}"


def component_folders(extra: Iterable[Path] = ()) -> Mapping[str, Path]:
    """Name → folder of every component there is.

    Those in EXTRA come before those of packages, and these, the first package first, before labgen's own.
    """
    roots = [resource("scripts"), *reversed(plugin_folders(COMPONENTS)), *extra]
    return {path.parent.name: path.parent for root in roots for path in sorted(root.glob(f"*/{MANIFEST}"))}
