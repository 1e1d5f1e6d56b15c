"""`show`: what a lab is; its final values, and where each came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labgen.checks import lab_checks
from labgen.lab.model import Lab, Node
from labgen.overrides.assignment import leaves
from labgen.overrides.model import UserFile

Row = dict[str, Any]
"""path, as `--set` takes it without the node's name; value; origin, in words; nodes on which it is so, none if it is
the lab's as a whole."""


def described(lab: Lab) -> dict[str, Any]:
    """LAB for programs."""
    blueprint = lab.blueprint
    return {
        "name": lab.name,
        "title": blueprint.title,
        "profile": lab.profile,
        "provider": lab.provider,
        "os": lab.os,
        "network": lab.network.cidr,
        "versions": dict(lab.versions),
        "packages": dict(lab.packages),
        "nodes": [
            {
                "name": node.name,
                "address": node.address,
                "memory": node.memory,
                "cpus": node.cpus,
                "components": node.components,
                "settings": node.settings,
                "config": node.config,
            }
            for node in lab.nodes
        ],
        "paths": [path.model_dump() for path in blueprint.paths],
        "checks": lab_checks(lab),
        "weaknesses": [
            {"component": it.component, "text": it.text, "nodes": it.nodes, "position": str(it.place)}
            for it in lab.weaknesses
        ],
        "corrections": [correction.model_dump() for correction in blueprint.corrections],
    }


def resolved(lab: Lab) -> list[Row]:
    """Every value of LAB; what is the same on several nodes, from the same place, stands there once."""
    rows = [row(path, value, origin) for path, value, origin in _of_lab(lab)]
    found: dict[tuple[str, str, str], Row] = {}
    for node in lab.nodes:
        for path, value, origin in _of_node(lab, node):
            here = found.setdefault((path, repr(value), origin), row(path, value, origin))
            here["nodes"].append(node.name)
    order = {path: at for at, path in enumerate(dict.fromkeys(path for path, _, _ in found))}
    return [*rows, *sorted(found.values(), key=lambda row: order[row["path"]])]


def row(path: str, value: Any, origin: str) -> Row:
    return {"path": path, "value": value, "origin": origin, "nodes": []}


def _of_lab(lab: Lab) -> Iterator[tuple[str, Any, str]]:
    said = lab.origins
    profile = f"profile {lab.profile}"
    yield "os", lab.os, said.get(("os",), profile)
    if lab.box:
        yield "box", lab.box, said.get(("box",), profile)
    moved = "the next free one" if lab.network.moved_from else "the blueprint's"
    yield "network.cidr", lab.network.cidr, said.get(("network", "cidr"), moved)
    chosen = lab.blueprint.profiles[lab.profile].versions
    for program, version in sorted(lab.versions.items()):
        component = lab.components.get(program)
        packaged = component is not None and lab.os in component.manifest.versions
        usual = lab.os.replace("-", " ").title() if packaged else "pinned by labgen"
        yield (
            f"versions.{program}",
            version,
            said.get(("versions", program), profile if program in chosen else usual),
        )
    for package, version in sorted(lab.packages.items()):
        yield f"packages.{package}", version or "whichever there is", said.get(("packages",), "a chosen version")
    for component_name, texts in lab.contained.items():
        for name, text in texts.items():
            path = ("secrets", component_name, name, "containing")
            yield ".".join(path), text, said[path]
    for file in lab.files:
        yield f"files.{file.about.path}", _file(file.about, file.text), said.get(("files", file.about.path), "")
    for name, component in lab.components.items():
        if hook := component.hook:
            place = f"{hook.component}/{hook.stage}" if hook.component else hook.stage
            when = f"{'before' if hook.before else 'after'} {place}"
            yield f"steps.{name.removeprefix('step-')}", when, said.get(("steps", name.removeprefix("step-")), "")


def _file(about: UserFile, text: str) -> str:
    on = f", on {', '.join(about.nodes)}" if about.nodes else ""
    return f"{about.mode} {about.owner}, {len(text.encode())} bytes{on}"


def _of_node(lab: Lab, node: Node) -> Iterator[tuple[str, Any, str]]:
    for name, number in (("memory", node.memory), ("cpus", node.cpus)):
        yield f"nodes.NODE.{name}", number, node.origins[(name,)]
    for component, values in node.settings.items():
        parameters = lab.components[component].manifest.parameters
        for name, value in values.items():
            origin = node.origins.get((component, name), "")
            if parameters[name].type == "map" and value:
                for keys, leaf in leaves(value):
                    path = (component, name, *keys)
                    yield ".".join(path), leaf, node.origins.get(path, origin)
            else:
                yield f"{component}.{name}", value, origin
    for component, tree in node.config.items():
        for keys, value in leaves(tree):
            path = ("config", component, *keys)
            yield ".".join(path), value, node.origins[path]
