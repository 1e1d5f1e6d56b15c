"""What conditions and actions of a reproduction have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from labgen.components.manifest import Strict
from labgen.wording import must_be

LONGEST = 3600
"""Seconds that anything may be given."""

Within = Annotated[float, Field(gt=0, le=LONGEST)]


def _exit(value: object) -> object:
    if value == "any" or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255):
        return value
    raise ValueError(must_be("an exit code from 0 to 255, or any", value))


Exit = Annotated[Any, AfterValidator(_exit)]
User = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]*$", max_length=32)]
Text = Annotated[str, Field(min_length=1)]
UrlPath = Annotated[str, Field(pattern=r"^/[^\s]*$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Status = Annotated[int, Field(ge=100, le=599)]
Number = Annotated[int, Field(ge=0)]


def kind_of(value: Strict) -> str:
    """The key that VALUE, which is one thing of several, has in a document."""
    name = next(name for name in type(value).model_fields if getattr(value, name) is not None)
    return type(value).model_fields[name].alias or name


def exactly_one(value: Strict) -> None:
    """Raise ValueError unless exactly one field of VALUE is given."""
    fields = type(value).model_fields
    given = [field.alias or name for name, field in fields.items() if name in value.model_fields_set]
    if len(given) > 1:
        raise ValueError(f"is one thing at a time, not {' and '.join(given)}: make two of it")
    if not given or all(getattr(value, name) is None for name in fields):
        raise ValueError(f"needs one of {', '.join(field.alias or name for name, field in fields.items())}")
