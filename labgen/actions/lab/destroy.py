"""`destroy`: the lab's machines, networks, checkpoints and folder go; nothing else does."""

from __future__ import annotations

from labgen.actions.session.owner import refuse_strangers
from labgen.actions.session.remains import KnownLab, known_lab
from labgen.errors import VagrantError


def destroy(name: str, *, orphan: bool = False) -> None:
    """Remove the lab NAME, whatever condition it is in: no file of its folder has to be whole.

    orphan: also one that is not this folder's, or that no folder is left of.
    Raises UnknownNameError, HostError where the lab's names are somebody else's, or VagrantError naming what is left
    when something could not be removed; the lab's folder stays then, so that it can be tried again.
    """
    lab = known_lab(name, orphan=orphan)
    with lab.folder.locked():
        if not orphan:
            refuse_strangers(lab.folder, lab.names, lab.providers)
        left = _remove_machines(lab)
        if left:
            raise VagrantError(
                f"something of the lab {name} is still there",
                where=lab.folder.logs,
                detail=left,
                cure=f"try labgen destroy {name} --yes again, or remove these by hand",
            )
        lab.folder.remove()


def _remove_machines(lab: KnownLab) -> list[str]:
    """What is left afterwards, as `kind name`."""
    names, nodes = lab.names, lab.nodes
    for provider in lab.providers:
        if provider.snapshotter:
            provider.snapshotter.release(names, nodes)
    parallel = all(provider.destroys_in_parallel for provider in lab.providers)
    lab.by_vagrant(lambda vagrant: vagrant.destroy(parallel=parallel))
    left: list[str] = []
    for provider in lab.providers:
        if provider.leftovers(names):
            provider.reclaim(names, nodes)
        if provider.snapshotter:
            provider.snapshotter.purge(names)
        left += provider.leftovers(names)
    return left
