"""The whole of `component.yml`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from labgen.components.manifest.artefacts import Artefact
from labgen.components.manifest.base import Identifier, Name, Strict
from labgen.components.manifest.checks import CheckEntry
from labgen.components.manifest.files import Configuration, File, Validator
from labgen.components.manifest.network import Listen, Talk
from labgen.components.manifest.other_versions import OtherVersions
from labgen.components.manifest.parameters import Parameter
from labgen.components.manifest.roles import ProvidedRole
from labgen.components.manifest.steps import Ready, Start
from labgen.systems import OsName


class Secret(Strict):
    """A random value made once per lab. `password` is letters and digits, `base64` is for keys.

    Fewer than 16 BYTES are for programs that take no more.
    """

    kind: Literal["password", "base64"]
    bytes: int = Field(default=24, ge=8, le=64)
    doc: str


class Rule(Strict):
    """Something that should hold on every node that carries the component, as a Jinja expression over its values.

    scope `lab`: it is about the lab as a whole and is asked once, on the first node that carries the component.
    level `warning`: a lab where it does not hold is made all the same, and its weak point is named.
    """

    holds: str
    message: str
    level: Literal["error", "warning"] = "error"
    scope: Literal["node", "lab"] = "node"


Scales = Annotated[
    Annotated[bool, Tag("word")] | Annotated[dict[Identifier, Any], Tag("values")],
    Discriminator(lambda entry: "values" if isinstance(entry, dict) else "word"),
]
"""Whether a component scales, or the parameter values with which it does."""


class Collect(Strict):
    """What a bundle holds of the component on each node: what a command prints that runs there as root.

    run: a shell command, as Jinja text over the component's values.
    """

    file: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)
    run: str = Field(min_length=1)


Suite = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class Manifest(Strict):
    """The whole of `component.yml`; its stages are the scripts that lie beside it.

    packages: the Debian packages that its program is in; `{version}` in a name stands for that in `versions`. suites:
    version → the suite of the operating system's archive that has it, where it is another than its own. config:
    the file that is changed by `--set config.…`. provides: what it is to the others. scales: whether a node with the
    component may be added to a lab that runs, or leave it. Parameter values: with these it may. False, where each
    member counts, as in a DCS: an added node goes without the component. status: a command, one line of Jinja text over
    the component's values, that shows as root on a node how the component is; the README of a rendered folder names it.
    """

    name: Name
    summary: str
    requires: tuple[Name, ...] = ()
    versions: dict[OsName, str] = {}
    packages: tuple[str, ...] = ()
    suites: dict[OsName, dict[str, Suite]] = {}
    other_versions: OtherVersions | None = None
    parameters: dict[Identifier, Parameter] = {}
    artefacts: dict[Name, Artefact] = {}
    secrets: dict[Identifier, Secret] = {}
    env: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")], str] = {}
    files: tuple[File, ...] = ()
    config: Configuration | None = None
    listens: tuple[Listen, ...] = ()
    talks: tuple[Talk, ...] = ()
    provides: tuple[ProvidedRole, ...] = ()
    validators: tuple[Validator, ...] = Field(default=(), alias="validate")
    start: Start = Field(default_factory=Start)
    ready: Ready = Field(default_factory=Ready)
    scales: Scales = True
    rules: tuple[Rule, ...] = ()
    checks: tuple[CheckEntry, ...] = ()
    status: str | None = Field(default=None, pattern=r"^[^\n]+$")
    collect: tuple[Collect, ...] = ()

    def choosable(self, os: str) -> bool:
        """Whether another version than that of OS can be chosen by its number alone."""
        return bool(self.other_versions or self.suites.get(os))
