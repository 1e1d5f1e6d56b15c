"""What an overrides document may say; docs/overrides.md explains every key.

Values are looked at when they meet a blueprint (`labgen.overrides.apply`): only then is it known what there is.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from labgen.blueprint.model import Settings
from labgen.components.manifest import Identifier, Mode, Name, NodePath, Owner, Strict

Tree = dict[str, Any]
"""Keys of a component's configuration file, nested as they are there; None takes a key away."""

PACKAGE = r"^[a-z0-9][a-z0-9.+-]+(=[0-9A-Za-z][0-9A-Za-z.+~:-]*)?$"
"""A Debian package, with `=VERSION` if it has to be that one."""

CONTAINED = r"^[!-~]{1,20}$"
"""Text that a secret has to have in it."""

BESIDE = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
"""A path below the document's own folder, so that both can be copied together."""

STAGE = r"^([a-z][a-z0-9]*(-[a-z0-9]+)*/)?(install|configure|start)$"
"""`start` or `COMPONENT/start`."""


class NodeOverrides(Strict):
    """The same for one node; a node's value goes over that for all."""

    memory: Any = None
    cpus: Any = None
    settings: Settings = {}
    config: dict[Name, Tree] = {}


class SecretOverride(Strict):
    """A secret is random in any case, and never written down by a user. CONTAINING: text that it has to have in it."""

    containing: str = Field(pattern=CONTAINED)

    @model_validator(mode="before")
    @classmethod
    def _never_given(cls, given: Any) -> Any:
        if isinstance(given, str):
            # Without repeating it.
            raise ValueError(
                "a secret is random, and its value is never given: say {containing: TEXT} if it needs some"
            )
        return given


class UserFile(Strict):
    """A file of the user's on NODES (all): its CONTENT as it stands here, or SOURCE, a file beside the document."""

    path: NodePath
    owner: Owner = "root:root"
    mode: Mode = "0644"
    content: str | None = None
    source: Annotated[str, Field(pattern=BESIDE)] | None = None
    nodes: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _one_text(self) -> UserFile:
        if (self.content is None) == (self.source is None):
            raise ValueError("needs either content or source")
        return self


class UserStep(Strict):
    """A bash script of the user's, run as root on NODES (all that have what it is before or after).

    RUN: its text; SCRIPT: a file beside the document. BEFORE or AFTER: a stage (`start`), or that of one component
    (`patroni/start`).
    """

    name: Annotated[Name, Field(max_length=34)]
    run: str | None = None
    script: Annotated[str, Field(pattern=BESIDE)] | None = None
    before: Annotated[str, Field(pattern=STAGE)] | None = None
    after: Annotated[str, Field(pattern=STAGE)] | None = None
    nodes: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _one_of_each(self) -> UserStep:
        if (self.run is None) == (self.script is None):
            raise ValueError("needs either run or script")
        if (self.before is None) == (self.after is None):
            raise ValueError("needs either before or after")
        return self


class NetworkOverride(Strict):
    cidr: Any


class OverridesDocument(Strict):
    """A whole overrides document."""

    os: Any = None
    box: Any = None
    network: NetworkOverride | None = None
    versions: dict[Name, Any] = {}
    settings: Settings = {}
    config: dict[Name, Tree] = {}
    nodes: dict[Name, NodeOverrides] = {}
    packages: tuple[Annotated[str, Field(pattern=PACKAGE)], ...] = ()
    secrets: dict[Name, dict[Identifier, SecretOverride]] = {}
    files: tuple[UserFile, ...] = ()
    steps: tuple[UserStep, ...] = ()
