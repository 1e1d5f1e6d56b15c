"""Whether what stands on this host under a lab's names is the lab's own."""

from __future__ import annotations

from collections.abc import Sequence

from labgen.errors import HostError
from labgen.providers import LabNames, MarkedThing, Provider
from labgen.state import LabFolder, owner


def refuse_strangers(folder: LabFolder, lab: LabNames, providers: Sequence[Provider]) -> None:
    """Raise HostError if a machine or network has a name of the lab's and is not provably its own."""
    strangers = [
        thing
        for provider in providers
        for thing in provider.in_the_place_of(lab)
        if not _is_own(thing, folder, lab.name, provider.name)
    ]
    if strangers:
        raise HostError(
            f"what stands under the names of the lab {lab.name} is not this lab's, and nothing was changed",
            where=folder.path,
            detail=[f"{thing.kind} {thing.name}: {made_by(thing)}" for thing in strangers],
            cure="give the lab another --name, or have whoever made the other destroy it\n"
            f"if nobody needs it any more: labgen destroy {strangers[0].lab or lab.name} --orphan --yes",
        )


def made_by(thing: MarkedThing) -> str:
    """Who made THING, for people."""
    node = f"{thing.node} of the lab {thing.lab}, " if thing.node else ""
    return f"{node}made by {thing.origin or 'an unknown hand'}"


def _is_own(thing: MarkedThing, folder: LabFolder, lab: str, provider: str) -> bool:
    if thing.lab != lab:
        return False
    if thing.owner:
        return thing.owner == owner().id
    # Before there were owners. Vagrant's own word for a machine is proof, too; what is no machine goes with it.
    return thing.kind in ("network", "image") or thing.id in _ids(folder, provider)


def _ids(folder: LabFolder, provider: str) -> set[str]:
    found = set()
    for path in (folder.rendered / ".vagrant" / "machines").glob(f"*/{provider}/id"):
        try:
            found.add(path.read_text().strip())
        except (OSError, ValueError):
            continue
    return found
