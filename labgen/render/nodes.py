"""Renders what is special to each node: `nodes/NODE/COMPONENT/{env,files.list,files/…}`."""

from __future__ import annotations

from pathlib import PurePosixPath

from jinja2 import TemplateError

from labgen.components.manifest import File
from labgen.errors import UsageError
from labgen.lab.expressions import Expressions, reason
from labgen.lab.model import Lab, Node, matches
from labgen.lab.quoting import shell_quoted
from labgen.lab.secrets import Secrets
from labgen.overrides.formats import FORMATS
from labgen.overrides.model import UserFile
from labgen.overrides.user_defined import FILES
from labgen.render.model import SECRET, Rendered, RenderedFile


def render_nodes(lab: Lab, secrets: Secrets) -> Rendered:
    """The files of every component on every node; raises UsageError naming the template that fails."""
    expressions = Expressions(lab, secrets)
    rendered: Rendered = {}
    for node in lab.nodes:
        for component in node.components:
            rendered |= _component(lab, node, component, expressions)
    return rendered


def _component(lab: Lab, node: Node, component: str, expressions: Expressions) -> Rendered:
    home = f"nodes/{node.name}/{component}"
    found = lab.components[component]
    files = [file for file in found.manifest.files if matches(node.settings[component], file.when)]
    own = [file for file in lab.files if component == FILES and file.is_on(node)]
    rendered: Rendered = {f"{home}/env": RenderedFile(_env(lab, node, component, expressions), SECRET)}
    placed: list[File | UserFile] = [*files, *(file.about for file in own)]
    listing = [f"{file.mode} {file.owner} {file.path}" for file in placed]
    rendered[f"{home}/files.list"] = RenderedFile("".join(f"{line}\n" for line in listing))
    rendered |= {f"{home}/files{PurePosixPath(it.about.path)}": RenderedFile(it.text, SECRET) for it in own}
    for file in files:
        try:
            text = expressions.file(found.folder / file.template, node, component)
        except TemplateError as error:
            line = f":{error.lineno}" if getattr(error, "lineno", None) else ""  # type: ignore[attr-defined]
            raise UsageError(
                f"the template {file.template} of {component} fails on {node.name}: {reason(error)}",
                where=f"{found.folder / file.template}{line}",
            ) from None
        config = found.manifest.config
        if config is not None and config.file == file.path and (changes := node.config.get(component)):
            text = FORMATS[config.format].changed(text, changes)
        # On the controller a rendered file may hold a secret, whatever its mode on the node will be.
        rendered[f"{home}/files{PurePosixPath(file.path)}"] = RenderedFile(text, SECRET)
    return rendered


def _env(lab: Lab, node: Node, component: str, expressions: Expressions) -> str:
    """The environment file of one component: what every script gets, then what the manifest's `env` adds."""
    values = {
        "LABGEN_OS": lab.os,
        "LABGEN_NODE": node.name,
        "LABGEN_ADDRESS": node.address,
        "LABGEN_PREFIX": str(lab.network.prefix),
    }
    for name, source in lab.components[component].manifest.env.items():
        try:
            values[name] = expressions.text(source, node, component)
        except TemplateError as error:
            raise UsageError(
                f"env {name} of {component} fails on {node.name}: {reason(error)}",
                where=lab.components[component].folder / "component.yml",
            ) from None
    return "".join(f"{name}={shell_quoted(value)}\n" for name, value in values.items())
