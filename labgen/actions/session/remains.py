"""A lab that is to be stopped or removed, whatever condition its folder is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from labgen.actions.session.vagrant import vagrant_in
from labgen.blueprint.files import blueprint_files
from labgen.errors import LabgenError, UsageError
from labgen.providers import KnownNames, Provider, Vagrant, all_providers, get_provider, provider_names
from labgen.state import LabFolder, find_lab, lab_folder, unknown_lab
from labgen.state.remains import Remains, remains_of


@dataclass(frozen=True)
class KnownLab:
    """providers: those who may have machines of the lab, its own first."""

    remains: Remains
    providers: tuple[Provider, ...]

    @property
    def folder(self) -> LabFolder:
        return self.remains.folder

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Every node that the folder, or a machine, says that the lab has; asked once, before anything goes."""
        there = {node for provider in self.providers for node in provider.nodes_there(self.folder.name)}
        return tuple(sorted(there.union(self.remains.nodes)))

    @property
    def names(self) -> KnownNames:
        return KnownNames.of(self.folder.name, self.nodes)

    def by_vagrant(self, work: Callable[[Vagrant], object]) -> bool:
        """Have Vagrant do WORK; whether it did. Where it cannot, the providers have to be able to do without.

        Raises what Vagrant failed with when they are not, or what is wrong with them.
        """
        failed: LabgenError | OSError | None = None
        if self.remains.has_vagrantfile:
            try:
                work(vagrant_in(self.folder, self.providers))
                return True
            except (LabgenError, OSError) as error:  # its log may have no room, or no folder
                failed = error
        for provider in self.providers:
            problems = provider.problems()
            if problems or not provider.knows_leftovers:
                raise failed or (problems[0] if problems else _helpless(self.folder, provider))
        if failed and not self.providers:
            raise failed
        return False


def known_lab(name: str, *, orphan: bool = False) -> KnownLab:
    """The lab NAME; raises UnknownNameError, or UsageError where there is only a blueprint of that name.

    orphan: it may also be one of which there are only machines on this host.
    """
    folder = find_lab(name)
    if folder is None and orphan:
        able = tuple(provider for provider in all_providers() if not provider.problems())
        lab = KnownLab(Remains(lab_folder(name), (), ()), able)
        if any(thing.lab == name for provider in able for thing in provider.marked()):
            return lab
    if folder is None:
        if name in blueprint_files():
            raise UsageError(f"there is no lab {name} yet", cure=f"labgen up {name}")
        raise unknown_lab(name)
    remains = remains_of(folder)
    known = set(provider_names()).intersection(remains.providers)
    named = tuple(get_provider(name) for name in remains.providers if name in known)
    # Nothing says whose machines they are: everybody who can be asked is.
    return KnownLab(remains, named or tuple(provider for provider in all_providers() if not provider.problems()))


def _helpless(folder: LabFolder, provider: Provider) -> LabgenError:
    return LabgenError(
        f"the machines of {folder.name} cannot be told: its Vagrantfile is gone, and {provider.name} has none but that",
        where=folder.rendered,
        cure=f"labgen up {folder.name} writes it again",
    )
