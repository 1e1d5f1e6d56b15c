"""The Vagrantfile and the Ruby beside it: one template, with the fragment of the lab's provider in it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

from labgen.errors import UsageError
from labgen.lab.model import Lab
from labgen.render.environment import TEMPLATES, environment
from labgen.render.model import SCRIPT, Rendered, RenderedFile
from labgen.render.provisioners import Provisioners
from labgen.resources import resource
from labgen.systems import system

PLAIN = TEMPLATES / "machine.rb.j2"
"""For a provider that brings no fragment."""


def render_vagrantfile(
    lab: Lab,
    steps: Provisioners,
    images: Mapping[str, str],
    *,
    fragment: Path | None = None,
    driver: str,
    boot_timeout: int,
) -> Rendered:
    """`Vagrantfile`, and `vagrant/…`, which it requires and so comes first.

    images: node → docker tag or box name. fragment: the provider's part, a template `NAME.rb.j2`; Ruby files in the
    folder NAME beside it, if there is one, go into the lab's folder as they are, and are required. driver: `kvm` or
    `qemu`, for libvirt. boot_timeout: in seconds.
    """
    fragment = fragment or PLAIN
    helpers = [*sorted((TEMPLATES / "vagrant").iterdir()), *sorted(_beside(fragment).glob("*.rb"))]
    facts = {
        "name": lab.name,
        "provider": lab.provider,
        "network": {"cidr": lab.network.cidr, "prefix": lab.network.prefix, "netmask": _netmask(lab)},
        "box": lab.box,
        "cgroup_v2": system(lab.os).cgroup_v2,
        "driver": driver,
        "boot_timeout": boot_timeout,
    }
    nodes = [
        {
            "name": node.name,
            "address": node.address,
            "memory": node.memory,
            "cpus": node.cpus,
            "image": _image(lab, images, node.name),
        }
        for node in lab.nodes
    ]
    text = (
        environment()
        .get_template(str(resource("Vagrantfile.j2")))
        .render(
            lab=facts,
            nodes=nodes,
            steps=steps,
            helpers=[path.stem for path in helpers if path.suffix == ".rb"],
            fragment=str(fragment),
        )
    )
    copies = {
        f"vagrant/{path.name}": RenderedFile(
            path.read_text(encoding="utf-8"), SCRIPT if path.suffix == ".sh" else 0o644
        )
        for path in helpers
    }
    return {**copies, "Vagrantfile": RenderedFile(text)}


def _beside(fragment: Path) -> Path:
    return fragment.with_name(fragment.name.removesuffix(".rb.j2"))


def _netmask(lab: Lab) -> str:
    return str(IPv4Network(lab.network.cidr).netmask)


def _image(lab: Lab, images: Mapping[str, str], node: str) -> str:
    image = images.get(node) or lab.box
    if not image:
        raise UsageError(
            f"{lab.provider} boots a vendor's box, and the profile {lab.profile} of {lab.blueprint.name} names none",
            cure="name one: --set box=NAME",
        )
    return image
