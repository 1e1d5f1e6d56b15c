"""The schemas that ship with labgen: they take what labgen takes, and refuse some of what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from labgen.actions.schema import SCHEMAS
from labgen.cli.commands.schema import KINDS
from labgen.cli.main import app
from labgen.documents import parse_document
from labgen.documents.schema import field_docs
from labgen.errors import UnknownNameError
from tests.schemas import TOP, shipped_documents

GOLDEN = TOP / "tests" / "golden"
SHIPPED = shipped_documents()
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")
EXAMPLES = {"blueprint": "blueprints.md", "overrides": "overrides.md"}


def validator(kind: str) -> Any:
    schema = json.loads((TOP / "schemas" / f"{kind}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def complaints(path: Path, kind: str) -> list[str]:
    plain = json.loads(json.dumps(parse_document(path, kind=kind).plain))
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator(kind).iter_errors(plain)]


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    return tmp_path / "a.yml"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(TOP)))
def test_what_ships_is_valid(path: Path) -> None:
    assert complaints(path, SHIPPED[path]) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(TOP)))
def test_what_ships_names_its_schema_first(path: Path) -> None:
    named = MODELINE.fullmatch(path.read_text(encoding="utf-8").splitlines()[0])
    assert named
    assert (path.parent / named[1]).resolve() == TOP / "schemas" / f"{SHIPPED[path]}.json"


@pytest.mark.parametrize(("kind", "page"), EXAMPLES.items())
def test_whole_documents_in_the_docs_are_valid(kind: str, page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (TOP / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    whole = [block for block in blocks if kind != "blueprint" or re.match(r"(#.*\n)*name: ", block)]
    assert whole
    for block in whole:
        assert complaints(written(tmp_path, block), kind) == []


@pytest.mark.parametrize("path", sorted((GOLDEN / "warnings").glob("*.yml")), ids=lambda path: path.stem)
def test_what_labgen_takes_with_a_warning_is_valid(path: Path) -> None:
    assert complaints(path, "blueprint") == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("blueprint", "errors/unknown-key.yml"),
        ("blueprint", "errors/unknown-key-in-node.yml"),
        ("blueprint", "errors/missing-address.yml"),
        ("blueprint", "errors/missing-nodes.yml"),
        ("blueprint", "errors/no-nodes.yml"),
        ("blueprint", "errors/memory-too-small.yml"),
        ("blueprint", "errors/name-settings-key.yml"),
        ("blueprint", "errors/name-too-long.yml"),
        ("blueprint", "errors/wrong-type-bool-for-number.yml"),
        ("blueprint", "errors/wrong-type-number-for-string.yml"),
        ("blueprint", "errors/wrong-type-word-for-bool.yml"),
        ("blueprint", "errors/port-out-of-range.yml"),
        ("blueprint", "errors/unknown-os.yml"),
        ("manifest", "manifests/bad-artefact/bad-artefact/component.yml"),
        ("manifest", "manifests/bad-check/bad-check/component.yml"),
        ("manifest", "manifests/bad-scales/bad-scales/component.yml"),
        ("manifest", "manifests/missing-name/missing-name/component.yml"),
        ("manifest", "manifests/unknown-key/unknown-key/component.yml"),
        ("overrides", "overrides/faulty.yml"),
        ("reproduction", "repro/nothing-to-see.yml"),
        ("reproduction", "repro/overrides-faulty.yml"),
    ],
)
def test_what_labgen_refuses_for_its_form_is_not_valid(kind: str, path: str) -> None:
    assert complaints(GOLDEN / path, kind)


def test_one_that_extends_another_may_be_incomplete(tmp_path: Path) -> None:
    text = "extends: etcd-haproxy\nwithout: {nodes: [postgres03]}\nname: x\nnodes: [{name: postgres01, memory: 512}]\n"
    assert complaints(written(tmp_path, text), "blueprint") == []
    assert complaints(written(tmp_path, text.replace("memory", "memori")), "blueprint")
    assert complaints(written(tmp_path, text.replace("name: postgres01, ", "")), "blueprint")
    assert complaints(written(tmp_path, text.replace("extends", "extend")), "blueprint")


def test_the_command_knows_all_kinds() -> None:
    assert set(KINDS) == set(SCHEMAS)
    said = CliRunner().invoke(app, ["schema", "blueprnt"])
    assert isinstance(said.exception, UnknownNameError)
    assert said.exception.cure == "did you mean 'blueprint'?"


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_prints_what_ships(kind: str) -> None:
    said = CliRunner().invoke(app, ["schema", kind]).output
    assert json.loads(said) == json.loads((TOP / "schemas" / f"{kind}.json").read_text(encoding="utf-8"))


def test_fields_are_described_in_the_words_of_the_models() -> None:
    doc = "A drill.\n\nhold, least: seconds\nof it; PATHS (`ways`): ways in. title is told already."
    assert field_docs(doc, ["hold", "least", "paths", "title"]) == {
        "hold": "seconds of it",
        "least": "seconds of it",
        "paths": "ways in. title is told already.",
    }
    profile = json.loads((TOP / "schemas" / "blueprint.json").read_text())["$defs"]["Profile"]["properties"]
    assert profile["versions"]["description"].startswith("component → version")
