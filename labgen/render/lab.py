"""Lab → rendered folder: everything that Vagrant, the image builder and the nodes need, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from labgen import __version__
from labgen.lab.expressions import Expressions
from labgen.lab.keys import KeyPair
from labgen.lab.model import Lab
from labgen.lab.secrets import Secrets
from labgen.plan.model import Plan, StepId
from labgen.render.environment import environment
from labgen.render.model import SCRIPT, SECRET, ImageCommands, Rendered, RenderedFile
from labgen.render.nodes import render_nodes
from labgen.render.provisioners import provisioners
from labgen.render.vagrantfile import render_vagrantfile
from labgen.resources import resource
from labgen.systems import system


@dataclass(frozen=True)
class Machines:
    """How the machines come up: images by node, whether they hold the install stage, and Vagrant's timeout.

    images: node → docker tag or box name. baked: False where the install steps run in the guest.
    driver: `kvm` or `qemu`, for libvirt. boot_timeout: seconds that Vagrant waits for one machine. commands: how images
    are made, None where boxes are a vendor's. scripts: what they take beside those of `scripts/image`. plugins: whether
    Vagrant has to load its own. vagrantfile: the provider's part of the Vagrantfile, None for the plain one.
    """

    images: Mapping[str, str]
    baked: bool = True
    driver: str = ""
    boot_timeout: int = 300
    commands: ImageCommands | None = None
    scripts: tuple[Path, ...] = ()
    plugins: bool = True
    vagrantfile: Path | None = None


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
    }
    steps = provisioners([node.name for node in lab.nodes], plan, partial(_runs, lab, machines))
    rendered |= render_vagrantfile(
        lab,
        steps,
        machines.images,
        fragment=machines.vagrantfile,
        driver=machines.driver,
        boot_timeout=machines.boot_timeout,
    )
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
        "version": __version__,
        "images": components_by_image(lab, machines),
        "baked": machines.baked,
        "commands": machines.commands,
        "plugins": machines.plugins,
        "artefacts_complete": not missing_artefacts,
        "looks": _looks(lab),
        "sample": next((step for of_node in reversed(steps.values()) for step, _ in reversed(of_node)), None),
    }
    for name, mode in (("README.md", 0o644), ("prepare.sh", SCRIPT), ("destroy.sh", SCRIPT)):
        text = environment().get_template(f"{name}.j2").render(context)
        rendered[name] = RenderedFile(text, mode)
    if missing_artefacts:
        rendered["artefacts/MISSING"] = RenderedFile("".join(f"{name}\n" for name in missing_artefacts))
    return rendered


def _runs(lab: Lab, machines: Machines, step: StepId) -> bool:
    """Whether STEP has to run on its node: an image has run the install steps, the user's own aside."""
    return not (machines.baked and step.stage == "install") or lab.components[step.component].own


def _looks(lab: Lab) -> list[tuple[str, str]]:
    """Commands that show how the lab is, each with the node that it is for: one of each component that has one."""
    expressions = Expressions(lab)
    looks: dict[str, str] = {}  # command → node; two components may be seen by the same one
    for name, component in lab.components.items():
        carriers = lab.nodes_with(name)
        if component.manifest.status and carriers:
            looks.setdefault(expressions.text(component.manifest.status, carriers[0], name), carriers[0].name)
    return [(node, command) for command, node in looks.items()]


def components_by_image(lab: Lab, machines: Machines) -> dict[str, tuple[str, ...]]:
    """Image name → the components whose install stage it holds."""
    return {machines.images[node.name]: lab.installed(node) for node in lab.nodes if node.name in machines.images}


def _copies(scripts: Iterable[Path], target: str) -> Rendered:
    """SCRIPTS as they are, below TARGET."""
    return {f"{target}/{path.name}": RenderedFile(path.read_text(encoding="utf-8"), SCRIPT) for path in sorted(scripts)}
