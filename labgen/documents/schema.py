"""JSON Schema of the models, for editors: what a document may hold, with what the models' docs say of it."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from labgen.documents.wording import RULES

MESSAGE = "patternErrorMessage"
"""What editors show in place of a pattern that a value does not fit."""


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a document that is read as MODEL."""
    schema = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)
    return {"$schema": _Generator.schema_dialect, **schema}


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the key says it already
        return False

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        made = super().str_schema(schema)
        if rule := RULES.get(str(made.get("pattern"))):
            made[MESSAGE] = rule
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False  # a key that does not fit is none
            names = made.pop("propertyNames", {})
            if limits := {key: value for key, value in names.items() if key != MESSAGE}:
                made["propertyNames"] = limits
        return made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made, model = super().model_schema(schema), schema["cls"]
        names = {name: field.alias or name for name, field in model.model_fields.items()}
        for name, text in field_docs(inspect.getdoc(model) or "", list(names)).items():
            made.get("properties", {}).get(names[name], {}).setdefault("description", text)
        return made


def field_docs(doc: str, names: list[str]) -> dict[str, str]:
    """What DOC says of the fields NAMES in the form `name, other: text.`, in capitals or not."""
    if not names:
        return {}
    any_name = "|".join(re.escape(name) for name in names)
    begin = re.compile(rf"(?<![\w`])((?:{any_name})(?:, (?:{any_name}))*)(?: \(`[^)]*\))?: ", re.IGNORECASE)
    text = " ".join(doc.split())
    found = list(begin.finditer(text))
    docs: dict[str, str] = {}
    for at, match in enumerate(found):
        end = found[at + 1].start() if at + 1 < len(found) else len(text)
        for name in match[1].lower().split(", "):
            docs.setdefault(name, text[match.end() : end].strip(" ;"))
    return docs
