"""Lab → rendered folder: everything that Vagrant, the image builder and the nodes need, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labgen import __version__
from labgen.errors import UsageError
from labgen.lab.keys import KeyPair
from labgen.lab.model import Lab
from labgen.lab.quoting import FILTERS
from labgen.lab.secrets import Secrets
from labgen.plan.model import Plan, StepId
from labgen.render.model import SCRIPT, SECRET, ImageCommands, Rendered, RenderedFile
from labgen.render.nodes import render_nodes
from labgen.resources import resource
from labgen.systems import system

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Machines:
    """How the machines come up: images by node, whether they hold the install stage, and Vagrant's patience.

    images: node → docker tag or box name. baked: False where the install steps run in the guest.
    driver: `kvm` or `qemu`, for libvirt. boot_timeout: seconds that Vagrant waits for one machine. commands: how images
    are made, None where boxes are a vendor's. scripts: what they take beside those of `scripts/image`. plugins: whether
    Vagrant has to load its own.
    """

    images: Mapping[str, str]
    baked: bool = True
    driver: str = ""
    boot_timeout: int = 300
    commands: ImageCommands | None = None
    scripts: tuple[Path, ...] = ()
    plugins: bool = True


def render_lab(
    lab: Lab,
    plan: Plan,
    secrets: Secrets,
    keys: KeyPair,
    machines: Machines,
    *,
    missing_artefacts: tuple[str, ...] = (),
) -> Rendered:
    """The whole rendered folder, artefacts aside; raises UsageError naming a template that fails."""
    rendered = {
        "keys/lab_ed25519": RenderedFile(keys.private, SECRET),
        "keys/lab_ed25519.pub": RenderedFile(keys.public + "\n"),
        "Vagrantfile": RenderedFile(_vagrantfile(lab, machines, keys)),
    }
    rendered |= _copies((resource("scripts") / "image").glob("*.sh"), "image")
    rendered |= _copies(machines.scripts, "image")
    rendered[f"image/systems/{lab.os}.conf"] = RenderedFile(system(lab.os).file.read_text(encoding="utf-8"))
    rendered |= _copies((resource("scripts") / "lib").glob("*.sh"), "components/lib")
    for component in lab.components.values():
        rendered |= {
            f"components/{component.name}/{name}": RenderedFile(text, SCRIPT if name.endswith(".sh") else 0o644)
            for name, text in component.shipped.items()
        }
    rendered |= render_nodes(lab, secrets)
    context = {
        "lab": lab,
        "order": _order(lab, plan, machines),
        "version": __version__,
        "images": components_by_image(lab, machines),
        "baked": machines.baked,
        "commands": machines.commands,
        "plugins": machines.plugins,
        "artefacts_complete": not missing_artefacts,
    }
    for name, mode in (("README.md", 0o644), ("prepare.sh", SCRIPT), ("provision.sh", SCRIPT), ("destroy.sh", SCRIPT)):
        text = _environment().get_template(f"{name}.j2").render(context)
        rendered[name] = RenderedFile(text, mode)
    if missing_artefacts:
        rendered["artefacts/MISSING"] = RenderedFile("".join(f"{name}\n" for name in missing_artefacts))
    return rendered


def _order(lab: Lab, plan: Plan, machines: Machines) -> list[tuple[StepId, list[StepId]]]:
    """Each step that has to run, with those it waits for; an image has run the install steps, the user's own aside."""

    def runs(step: StepId) -> bool:
        return not (machines.baked and step.stage == "install") or lab.components[step.component].own

    return [(step.id, sorted(filter(runs, waits))) for step, waits in plan.direct_waits() if runs(step.id)]


def components_by_image(lab: Lab, machines: Machines) -> dict[str, tuple[str, ...]]:
    """Image name → the components whose install stage it holds."""
    return {machines.images[node.name]: lab.installed(node) for node in lab.nodes if node.name in machines.images}


def _vagrantfile(lab: Lab, machines: Machines, keys: KeyPair) -> str:
    facts: dict[str, Any] = {
        "name": lab.name,
        "provider": lab.provider,
        "network": lab.network,
        "box": lab.box,
        "driver": machines.driver,
        "boot_timeout": machines.boot_timeout,
    }
    nodes = [
        {
            "name": node.name,
            "address": node.address,
            "memory": node.memory,
            "cpus": node.cpus,
            "image": _image(lab, machines, node.name),
        }
        for node in lab.nodes
    ]
    template = _environment().from_string(resource("Vagrantfile.j2").read_text(encoding="utf-8"))
    return template.render(lab=facts, nodes=nodes, public_key=keys.public)


def _image(lab: Lab, machines: Machines, node: str) -> str:
    image = machines.images.get(node) or lab.box
    if not image:
        raise UsageError(
            f"{lab.provider} boots a vendor's box, and the profile {lab.profile} of {lab.blueprint.name} names none",
            cure="name one: --set box=NAME",
        )
    return image


def _copies(scripts: Iterable[Path], target: str) -> Rendered:
    """SCRIPTS as they are, below TARGET."""
    return {f"{target}/{path.name}": RenderedFile(path.read_text(encoding="utf-8"), SCRIPT) for path in sorted(scripts)}


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - none of this is HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment
