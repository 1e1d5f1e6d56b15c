"""What an image is made of, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from labgen.artefacts.store import identity
from labgen.components.registry import Component
from labgen.lock.model import SystemLock
from labgen.providers import get_provider, require_images
from labgen.providers.image_maker import ImageMaker
from labgen.systems import system

INSTALL = "install.sh"
BASE_SCRIPTS = ("rootfs.sh", "sources.sh", "apt.sh", "system.sh")


@dataclass(frozen=True)
class ImageSpec:
    """An image of OS with the install stage of COMPONENTS, in their order; without any it is plain Debian.

    lib: the folder `scripts/lib`. scripts: the folder `scripts/image`. lock: the packages that it is made of; without
    it, those that the mirror has when it is built.
    """

    os: str
    provider: str
    components: tuple[Component, ...]
    lib: Path
    scripts: Path
    lock: SystemLock | None = None

    @cached_property
    def maker(self) -> ImageMaker:
        """What makes the provider's images; raises UsageError if nothing does."""
        return require_images(get_provider(self.provider))

    @property
    def name(self) -> str:
        """The docker tag, or the name of the Vagrant box."""
        label = "-".join([self.os, *(component.name for component in self.components)])
        return self.maker.name(label, self.digest[:12])

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all that goes into the image."""
        return _digest([self.tree_digest, self.provider, *_files([self.scripts / self.maker.script])])

    @cached_property
    def tree_digest(self) -> str:
        """The SHA-256 of what the image's tree is made from; providers share it."""
        return _digest([self.recipe, self.lock.digest]) if self.lock else self.recipe

    @cached_property
    def recipe(self) -> str:
        """The SHA-256 of the scripts, versions and artefacts that make the tree, whichever packages they find."""
        if not self.components:
            return self.base_recipe
        parts = [self.base_recipe, *_files([self.scripts / "bake.sh", *sorted(self.lib.glob("*.sh"))])]
        for component in self.components:
            parts += [component.name, component.manifest.versions.get(self.os, ""), *_install_inputs(component)]
            parts += [identity(artefact) for _, artefact in sorted(component.manifest.artefacts.items())]
        return _digest(parts)

    @cached_property
    def base_digest(self) -> str:
        """The SHA-256 of what the root filesystem below is made from."""
        return _digest([self.base_recipe, self.lock.base_digest]) if self.lock else self.base_recipe

    @cached_property
    def base_recipe(self) -> str:
        """The SHA-256 of the scripts that make the root filesystem, whichever packages they find."""
        return _digest([self.os, *_files([system(self.os).file, *(self.scripts / name for name in BASE_SCRIPTS)])])


def _install_inputs(component: Component) -> list[str]:
    """The SHA-256 of the install script, and of what else it may read."""
    texts = [text for name, text in component.scripts.items() if name == INSTALL]
    texts += [text for name, text in sorted(component.texts.items()) if not name.endswith(".sh")]
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def _files(paths: Iterable[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
