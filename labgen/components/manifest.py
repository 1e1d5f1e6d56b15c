"""The manifest of a component: `component.yml`, checked against these models."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from labgen.components.versions import is_below, is_release, is_same
from labgen.systems import OsName, system
from labgen.wording import must_be, shown

Scalar = bool | int | float | str
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Package = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$")]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+~-]*$")]
NodePath = Annotated[str, Field(pattern=r"^(/\.?[A-Za-z0-9_@:+-][A-Za-z0-9._@:+-]*)+$")]
Owner = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$")]
Mode = Annotated[str, Field(pattern=r"^0[0-7]{3}$")]


class Strict(BaseModel):
    """A part of a document: it has the keys that it names and no others, each of just its type."""

    # Most models are parts of another, and need no validator of their own.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "a string"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
    "map": (dict, "a mapping of keys to values"),
    "address": (str, "an IPv4 address"),
}
"""A parameter's type in Python, and in words."""


def _regular_expression(text: str | None) -> str | None:
    try:
        re.compile(text or "")
    except re.error as why:
        raise ValueError(f"is not a regular expression: {why}") from why
    return text


Pattern = Annotated[str | None, AfterValidator(_regular_expression)]


class Parameter(Strict):
    """A value that a blueprint, a profile or `--set` may change.

    An `address` is an IPv4 address inside the lab's network that no node has: a floating IP, a VIP.
    unique: each node has a value of its own, which a node that is added later does not take over.
    """

    type: Literal["string", "integer", "number", "boolean", "map", "address"]
    default: Any = None
    choices: tuple[Scalar, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: Pattern = None
    unique: bool = False
    doc: str

    @model_validator(mode="after")
    def _default_fits(self) -> Parameter:
        # None means: no default, the blueprint must give the value.
        if self.default is not None and (problem := self.problem(self.default)):
            raise ValueError(f"the default {problem}")
        return self

    def problem(self, value: object) -> str | None:
        """What is wrong with VALUE, as the end of a sentence; None if it fits."""
        python, words = TYPES[self.type]
        wrong_bool = isinstance(value, bool) and self.type != "boolean"
        if wrong_bool or not isinstance(value, python):
            return must_be(words, value)
        if self.choices and value not in self.choices:
            return must_be(f"one of {', '.join(map(str, self.choices))}", value)
        if isinstance(value, (int, float)):
            if self.minimum is not None and value < self.minimum:
                return must_be(f"at least {self.minimum:g}", value)
            if self.maximum is not None and value > self.maximum:
                return must_be(f"at most {self.maximum:g}", value)
        if isinstance(value, str):
            if self.pattern and not re.fullmatch(self.pattern, value):
                return f"must match {self.pattern}, not {shown(value)}"
            if not value.isprintable():
                return "must be one line of printable characters"
        return None


class DebianPoolSource(Strict):
    """A binary inside a Debian package, taken from the pool of SUITE through the host's own apt mirror."""

    kind: Literal["debian-pool"]
    suite: str
    package: str
    version: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    member: str


class UrlSource(Strict):
    """A release archive (`.zip`, `.tar.gz`) or a plain file behind an address."""

    kind: Literal["url"]
    url: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    member: str | None = None


class GoSource(Strict):
    """A Go module built with the host's Go; SUM is the module's `h1:` checksum."""

    kind: Literal["go"]
    module: str
    version: str
    sum: str = Field(pattern=r"^h1:")


class Wheels(Strict):
    """What goes with a Python program.

    pins: package → the version that is taken where something needs it. built: packages that are published as source
    only; each is pure Python, and the controller makes a wheel of it.
    """

    kind: Literal["pypi"]
    pins: dict[Package, Version] = {}
    built: tuple[Package, ...] = ()

    @model_validator(mode="after")
    def _built_is_pinned(self) -> Wheels:
        if loose := [package for package in self.built if package not in self.pins]:
            raise ValueError(f"what is built needs a version under pins: {', '.join(loose)}")
        return self


class PypiSource(Wheels):
    """A Python program and all that it needs: wheels in one tar file, fetched by the host's own pip.

    requirements: what is to be installed. python: the Python of the nodes.
    """

    python: str = Field(pattern=r"^3[.][0-9]+$")
    requirements: tuple[str, ...] = Field(min_length=1)


Source = Annotated[DebianPoolSource | UrlSource | GoSource | PypiSource, Field(discriminator="kind")]


class Artefact(Strict):
    """One file, a program or an archive of it, with one pinned version; its sources are tried in order."""

    version: Version
    sources: tuple[Source, ...] = Field(min_length=1)


class OtherVersions(Wheels):
    """How the component's program is had in another version than the operating system's: from Python's package index.

    package, extras: what is asked for there. minimum: the first version that can be chosen. except: later ones that
    their makers withdrew. beside: packages that are installed with it.
    """

    package: Package
    extras: tuple[Package, ...] = ()
    minimum: Version
    except_: tuple[Version, ...] = Field(default=(), alias="except")
    beside: tuple[Package, ...] = ()

    def problem(self, version: str) -> str | None:
        """Why VERSION cannot be chosen, as the end of a sentence; None if it can."""
        if not is_release(version):
            return must_be("the number of a release, like 3.0.4", version)
        if is_below(version, self.minimum):
            return must_be(f"at least {self.minimum}", version)
        if any(is_same(version, absent) for absent in self.except_):
            return f"must not be {version}, which its makers withdrew"
        return None

    def artefact(self, version: str, os: str) -> Artefact:
        """The wheels of VERSION for OS."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        requirements = (f"{self.package}{extras}=={version}", *self.beside)
        source = PypiSource(
            kind="pypi", python=system(os).python, requirements=requirements, pins=self.pins, built=self.built
        )
        return Artefact(version=version, sources=(source,))


class Secret(Strict):
    """A random value made once per lab. `password` is letters and digits, `base64` is for keys.

    Fewer than 16 BYTES are for programs that take no more.
    """

    kind: Literal["password", "base64"]
    bytes: int = Field(default=24, ge=8, le=64)
    doc: str


class File(Strict):
    """A template beside the manifest, rendered for each node that carries the component."""

    template: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    path: NodePath
    owner: Owner = "root:root"
    mode: Mode = "0644"
    when: dict[Identifier, Any] = {}


class Configuration(Strict):
    """Which of the rendered files is the component's configuration, that users may change key by key.

    kept: keys (with dots between nested ones) that are rendered from something else, which another component or a
    check relies on too → what is changed in their place, or why they stay. What lies below a key goes with it.
    """

    file: NodePath
    format: Literal["env", "haproxy", "hcl", "ini", "json", "keepalived", "yaml"]
    kept: dict[str, str] = {}

    def kept_by(self, keys: tuple[str, ...]) -> tuple[str, str] | None:
        """The entry of `kept` about a value under KEYS: of that very key, one it lies in, or one that lies in it."""
        for text, instead in self.kept.items():
            kept = tuple(text.split("."))
            if kept == keys[: len(kept)] or keys == kept[: len(keys)]:
                return text, instead
        return None


class Listen(Strict):
    """A port on which something of the component listens: on the node's own address, or on loopback only.

    PORT may be Jinja text over the component's values; 0 means that the node does without.
    """

    port: int | str
    protocol: Literal["tcp", "udp"] = "tcp"
    on: Literal["node", "loopback"] = "node"
    when: dict[Identifier, Any] = {}


class Talk(Strict):
    """Whom a component talks to, for the picture of a lab.

    TO is a component: the one on the same node, or those on the nodes of the lab (`on: lab`), narrowed by parameter
    values in `where`. `when`: the talker's own parameter values for which it does. PORT may be Jinja text over the
    component's values; 0 means that the node does without.
    """

    to: Name
    on: Literal["node", "lab"] = "node"
    label: str = ""
    port: int | str | None = None
    where: dict[Identifier, Any] = {}
    when: dict[Identifier, Any] = {}


class Validator(Strict):
    """A program's own check of rendered files, run inside the image before anything boots.

    files: patterns of their paths, whichever component they come from. run: a shell command, as Jinja text over the
    component's values, for each node that has such a file; it runs with all the node's files in place. An empty text
    asks for nothing.
    """

    files: tuple[Annotated[str, Field(pattern="^/")], ...] = Field(min_length=1)
    run: str = Field(min_length=1)


class Need(Strict):
    """What must be ready before a step begins.

    COMPONENT on the same node, or on every node of the lab (`on: lab`), narrowed by parameter values in `where`.
    A need never applies to a node that is itself one of those waited for.
    """

    component: Name
    on: Literal["node", "lab"] = "node"
    where: dict[Identifier, Any] = {}


class Start(Strict):
    """How a component starts: what it waits for, and whether one node goes ahead of the others."""

    needs: tuple[Need, ...] = ()
    first_alone: bool = False


class Ready(Strict):
    """What a component that has started waits for before it can do what the lab wants of it."""

    needs: tuple[Need, ...] = ()


class Rule(Strict):
    """Something that should hold on every node that carries the component, as a Jinja expression over its values.

    scope `lab`: it is about the lab as a whole and is asked once, on the first node that carries the component.
    level `warning`: a lab where it does not hold is made all the same, and its weak point is named.
    """

    holds: str
    message: str
    level: Literal["error", "warning"] = "error"
    scope: Literal["node", "lab"] = "node"


class CommandExpectation(Strict):
    """What a command check wants to see: exit status, a regular expression found in the output, values in its JSON.

    A JSON path is keys and list indexes with dots between them: `members.0.state`.
    """

    exit: int | None = 0
    stdout: Pattern = None
    json_: dict[str, Any] = Field(default={}, alias="json")


class CommandCheck(Strict):
    """A check without Python: a shell command run as root on the first or on every node that carries the component."""

    kind: Literal["command"] = "command"
    name: Name
    title: str
    on: Literal["first", "all"] = "first"
    run: str = Field(min_length=1)
    expect: CommandExpectation = Field(default_factory=CommandExpectation)


CheckEntry = Annotated[
    Annotated[Name, Tag("name")] | Annotated[CommandCheck, Tag("command")],
    Discriminator(lambda entry: "command" if isinstance(entry, (dict, CommandCheck)) else "name"),
]
"""The name of a registered check, or a command check written out."""


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


class Manifest(Strict):
    """The whole of `component.yml`; its stages are the scripts that lie beside it.

    packages: the Debian packages that its program is in; `{version}` in a name stands for that in `versions`. config:
    the file that is changed by `--set config.…`. scales: whether a node with the component may be added to a lab that
    runs, or leave it. Parameter values: with these it may. False, where each member counts, as in a DCS: an added node
    goes without the component. status: a command, one line of Jinja text over the component's values, that shows as
    root on a node how the component is; the README of a rendered folder names it.
    """

    name: Name
    summary: str
    requires: tuple[Name, ...] = ()
    versions: dict[OsName, str] = {}
    packages: tuple[str, ...] = ()
    other_versions: OtherVersions | None = None
    parameters: dict[Identifier, Parameter] = {}
    artefacts: dict[Name, Artefact] = {}
    secrets: dict[Identifier, Secret] = {}
    env: dict[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")], str] = {}
    files: tuple[File, ...] = ()
    config: Configuration | None = None
    listens: tuple[Listen, ...] = ()
    talks: tuple[Talk, ...] = ()
    validators: tuple[Validator, ...] = Field(default=(), alias="validate")
    start: Start = Field(default_factory=Start)
    ready: Ready = Field(default_factory=Ready)
    scales: Scales = True
    rules: tuple[Rule, ...] = ()
    checks: tuple[CheckEntry, ...] = ()
    status: str | None = Field(default=None, pattern=r"^[^\n]+$")
    collect: tuple[Collect, ...] = ()
