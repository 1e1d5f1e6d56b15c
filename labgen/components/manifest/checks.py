"""The checks that a manifest names or writes out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from labgen.components.manifest.base import Identifier, Name, Pattern, Strict


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


class ConditionalCheck(Strict):
    """A registered check that a lab has where a node with the component has these parameter values."""

    check: Name
    when: dict[Identifier, Any]


def _kind(entry: Any) -> str:
    if isinstance(entry, ConditionalCheck) or (isinstance(entry, dict) and "check" in entry):
        return "conditional"
    return "command" if isinstance(entry, (dict, CommandCheck)) else "name"


CheckEntry = Annotated[
    Annotated[Name, Tag("name")]
    | Annotated[CommandCheck, Tag("command")]
    | Annotated[ConditionalCheck, Tag("conditional")],
    Discriminator(_kind),
]
"""The name of a registered check, alone or with what it is for, or a command check written out."""
