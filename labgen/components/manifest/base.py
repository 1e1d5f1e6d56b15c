"""What all documents are checked with: strict models, and the words that they share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from labgen.patterns import pattern

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


def _regular_expression(text: str | None) -> str | None:
    try:
        pattern(text or "")
    except ValueError as why:
        raise ValueError(f"is not a regular expression: {why}") from why
    return text


Pattern = Annotated[str | None, AfterValidator(_regular_expression)]
