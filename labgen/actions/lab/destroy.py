"""`destroy`: the lab's machines, networks, checkpoints and folder go; nothing else does."""

from __future__ import annotations

from labgen.actions.session.open import existing_lab
from labgen.actions.session.vagrant import vagrant_of
from labgen.errors import VagrantError
from labgen.providers import get_provider


def destroy(name: str) -> None:
    """Remove the lab NAME, whatever condition it is in.

    Raises UnknownNameError, or VagrantError naming what is left when something could not be removed; the lab's folder
    stays then, so that it can be tried again.
    """
    opened = existing_lab(name, by_lock=False)
    provider = get_provider(opened.lab.provider)
    nodes, snapshotter = tuple(node.name for node in opened.lab.nodes), provider.snapshotter
    with opened.folder.locked():
        if snapshotter:
            snapshotter.release(opened.lab, nodes)
        if (opened.folder.rendered / "Vagrantfile").is_file():
            vagrant_of(opened).destroy(parallel=provider.destroys_in_parallel)
        if provider.leftovers(opened.lab):
            provider.reclaim(opened.lab, nodes)
        if snapshotter:
            snapshotter.purge(opened.lab)
        left = provider.leftovers(opened.lab)
        if left:
            raise VagrantError(
                f"something of the lab {name} is still there",
                where=opened.folder.logs,
                detail=left,
                cure=f"try labgen destroy {name} --yes again, or remove these by hand",
            )
        opened.folder.remove()
