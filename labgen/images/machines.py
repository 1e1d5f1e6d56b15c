"""Which images the machines of a lab boot from, and how they come up on this host."""

from __future__ import annotations

from pathlib import Path

from labgen.images.spec import ImageSpec
from labgen.lab.model import Lab
from labgen.providers import get_provider
from labgen.render.lab import Machines
from labgen.resources import resource


def image_specs(lab: Lab, *, baked: bool) -> dict[str, ImageSpec]:
    """Node → the image it boots from; empty for a vendor's box, which Vagrant fetches itself."""
    if lab.box is not None or get_provider(lab.provider).images is None:
        return {}
    scripts = resource("scripts")
    return {
        node.name: ImageSpec(
            os=lab.os,
            provider=lab.provider,
            components=tuple(lab.components[name] for name in lab.installed(node)) if baked else (),
            lib=scripts / "lib",
            scripts=scripts / "image",
            lock=lab.lock.systems[lab.os] if lab.lock else None,
        )
        for node in lab.nodes
    }


def machines_of(lab: Lab, *, baked: bool) -> Machines:
    """How the lab's machines boot on this host."""
    provider = get_provider(lab.provider)
    maker = provider.images
    return Machines(
        images={node: spec.name for node, spec in image_specs(lab, baked=baked).items()},
        baked=baked and lab.box is None,
        driver=provider.driver(),
        boot_timeout=int(provider.boot_timeout(len(lab.nodes))),
        commands=maker.commands if maker else None,
        scripts=(Path(maker.script),) if maker and Path(maker.script).is_absolute() else (),
        plugins=provider.vagrant_plugins,
        vagrantfile=provider.vagrantfile,
    )
