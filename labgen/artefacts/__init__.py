"""Files that no OS package gives: fetched or built once, checked, cached, fed to the nodes."""

from labgen.artefacts.store import ArtefactStore

__all__ = ["ArtefactStore"]
