"""The JSON Schemas in `schemas/` say what the models say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.actions.schema import SCHEMAS, schema, schema_text
from labgen.resources import resource


@pytest.mark.parametrize("kind", SCHEMAS)
def test_schema(kind: str, regenerate: bool, golden: Callable[[Path, str], None]) -> None:
    path = resource("schemas") / f"{kind}.json"
    if regenerate:
        golden(path, schema_text(kind))
    # What is the same may be written in another order by another pydantic.
    assert json.loads(path.read_text(encoding="utf-8")) == schema(kind)


def test_there_is_no_other() -> None:
    assert {path.stem for path in resource("schemas").iterdir()} == set(SCHEMAS)
