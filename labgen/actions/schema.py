"""The kinds of documents that labgen reads, each with its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from labgen.blueprint.extends import EXTENDS, KEYS, WITHOUT
from labgen.blueprint.model import Blueprint
from labgen.components.manifest import Manifest
from labgen.documents.schema import json_schema
from labgen.errors import UnknownNameError
from labgen.overrides import OverridesDocument
from labgen.repro.model import Reproduction


def _blueprint() -> dict[str, Any]:
    """A blueprint is whole, or says what is different from the one that it extends: there, parts may be incomplete."""
    whole = json_schema(Blueprint)
    defs, dialect = whole.pop("$defs"), whole.pop("$schema")
    part = deepcopy(whole)
    del part["required"]
    part["description"] = "A blueprint on top of another one."
    text = json.dumps(part["properties"])
    for name, key in _joined(whole["properties"]).items():
        defs[f"Partial{name}"] = {**defs[name], "required": [key] if key else []}
        text = text.replace(f'"#/$defs/{name}"', f'"#/$defs/Partial{name}"')
    names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    part["properties"] = {
        EXTENDS: {"type": "string", "description": "The name of a blueprint, or a path beside this file."},
        WITHOUT: {
            "type": "object",
            "description": f"What of it is left out: names in {', '.join(KEYS)} and profiles.",
            "additionalProperties": names,
        },
        **json.loads(text),
    }
    return {
        "$schema": dialect,
        "if": {"required": [EXTENDS]},
        "then": {"$ref": "#/$defs/ExtendingBlueprint"},
        "else": {"$ref": "#/$defs/Blueprint"},
        "$defs": {**defs, "Blueprint": whole, "ExtendingBlueprint": part},
    }


def _joined(properties: Mapping[str, Any]) -> dict[str, str]:
    """The models whose values are joined with those of the base, each with the key that tells items apart."""
    found = {}
    for key, schema in properties.items():
        values = [
            schema.get("items", {}),
            *schema.get("patternProperties", {}).values(),
            *schema.get("anyOf", ()),
            schema,
        ]
        for value in values:
            if name := value.get("$ref", "").rpartition("/")[2]:
                found[name] = KEYS.get(key, "")
    return found


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "blueprint": _blueprint,
    "manifest": lambda: json_schema(Manifest),
    "overrides": lambda: json_schema(OverridesDocument),
    "reproduction": lambda: json_schema(Reproduction),
}
"""Kind of document → what makes its schema."""


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of the documents of KIND; raises UnknownNameError."""
    if kind not in SCHEMAS:
        raise UnknownNameError("kind of document", kind, SCHEMAS)
    return SCHEMAS[kind]()


def schema_text(kind: str) -> str:
    """The same as it is shipped in `schemas/KIND.json`."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"
