"""What a component puts on its nodes, what of it users may change, and who checks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from labgen.components.manifest.base import Identifier, Mode, NodePath, Owner, Strict


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
        """The entry of `kept` about a value under KEYS: of that very key, one it lies in, or one that lies in it.

        Where keys are words of a line, `stats` is about the line `stats socket` too.
        """
        for text, instead in self.kept.items():
            kept = tuple(text.split("."))
            if _one_in_the_other(kept, keys) or (
                kept[:-1] == keys[:-1] and _one_in_the_other(kept[-1].split(), keys[-1].split())
            ):
                return text, instead
        return None


def _one_in_the_other(one: Sequence[str], other: Sequence[str]) -> bool:
    shorter = min(len(one), len(other))
    return list(one[:shorter]) == list(other[:shorter])


class Validator(Strict):
    """A program's own check of rendered files, run inside the image before anything boots.

    files: patterns of their paths, whichever component they come from. run: a shell command, as Jinja text over the
    component's values, for each node that has such a file; it runs with all the node's files in place. An empty text
    asks for nothing. level `warning`: what it says is told, and stops nothing.
    """

    files: tuple[Annotated[str, Field(pattern="^/")], ...] = Field(min_length=1)
    run: str = Field(min_length=1)
    level: Literal["error", "warning"] = "error"
