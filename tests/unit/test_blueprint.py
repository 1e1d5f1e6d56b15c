"""Blueprints under strain: thousands of damaged ones, each of which must give a clear error or a lab."""

from __future__ import annotations

import copy
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from labs import blueprint_text, load, whole_blueprints, write_component

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.errors import DocumentError, LabgenError, UnknownNameError, UsageError
from labgen.lab.resolve import resolve
from labgen.plan import build_plan

SHIPPED = whole_blueprints()
STRANGE: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1 << 70,
        1.5,
        "",
        "x",
        "consul",
        "Ä\n\x1b",
        "192.168.60.1",
        "192.168.60.0/24",
        "../..",
        "a" * 300,
    ),
    *(
        [],
        {},
        [None],
        [[]],
        [{}],
        {"": 1},
        {"consul": None},
        {"consul": {"role": []}},
        {"a.b": 1},
        ["consul", "consul"],
    ),
)
JARGON = re.compile(r"\b(None|True|False|tuple|dict|validation|pydantic)\b|[Ii]nput should|Error|object at")


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value below DATA."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


def damage(data: Any, random: random.Random) -> Any:
    """DATA with one to three things changed, removed, renamed or doubled."""
    data = copy.deepcopy(data)
    for _ in range(random.randint(1, 3)):
        path = random.choice(places(data)[1:])
        here = data
        for part in path[:-1]:
            here = here[part]
        key = path[-1]
        match random.randrange(4):
            case 0:
                here[key] = copy.deepcopy(random.choice(STRANGE))
            case 1:
                del here[key]
            case 2 if isinstance(here, dict):
                here[random.choice(("x", "Consul", "nodes", str(key) + "s"))] = here.pop(key)
            case _ if isinstance(here, list):
                here.insert(0, copy.deepcopy(here[key]))
            case _:
                here[key] = [here[key]]
    return data


def told(path: Path) -> LabgenError | None:
    """The error for people that the blueprint at PATH gives on its way to a plan, if any; all others pass through."""
    try:
        build_plan(resolve(load_blueprint(path), provider="docker"))
    except LabgenError as error:
        return error
    return None


def check_readable(error: LabgenError, path: Path, text: str) -> None:
    """Each line is one line, without jargon; each problem of a blueprint has a place inside the file, in its order."""
    assert all(line.isprintable() for line in error.lines())
    assert not JARGON.search("\n".join(error.lines()))
    if isinstance(error, DocumentError):
        found = [re.match(rf"{re.escape(str(path))}:(\d+):(\d+): \S", str(problem)) for problem in error.problems]
        at = [(int(match[1]), int(match[2])) for match in found if match]
        assert 0 < len(at) == len(error.problems)
        assert at == sorted(at)
        assert all(1 <= line <= text.count("\n") + 1 for line, _ in at)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("seed", range(2))
def test_damaged_values(name: str, seed: int, tmp_path: Path) -> None:
    """Each damaged blueprint gives an error for people, or a lab; nothing else."""
    dice = random.Random(f"{name} {seed}")  # noqa: S311
    whole = yaml.safe_load(find_blueprint(name).read_text(encoding="utf-8"))
    path = tmp_path / "damaged.yml"
    errors = 0
    for _ in range(20):
        text = yaml.safe_dump(damage(whole, dice), sort_keys=False)
        path.write_text(text)
        if error := told(path):
            errors += 1
            check_readable(error, path, text)
    assert errors > 10


@pytest.mark.parametrize("name", SHIPPED)
def test_damaged_text(name: str, tmp_path: Path) -> None:
    """The same with the file's characters: cut, doubled, replaced."""
    dice = random.Random(name)  # noqa: S311
    whole = find_blueprint(name).read_text(encoding="utf-8")
    pieces = [
        "",
        "\t",
        "\n",
        " ",
        ":",
        ": ",
        "- ",
        "[",
        "}",
        "'",
        '"',
        "#",
        "&a ",
        "*a",
        "!",
        "|",
        "?",
        "%",
        "\x00",
        "é",
    ]
    path = tmp_path / "damaged.yml"
    errors = 0
    for _ in range(50):
        text = whole
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(pieces) + text[at + dice.randrange(3) :]
        path.write_text(text, encoding="utf-8")
        if error := told(path):
            errors += 1
            check_readable(error, path, text)
    assert errors > 25


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_blueprints_are_sound(name: str) -> None:
    loaded = load_blueprint(find_blueprint(name))
    assert loaded.blueprint.name == name
    assert len(loaded.blueprint.profiles) >= 1
    assert all(correction.why for correction in loaded.blueprint.corrections)


def test_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yml").write_text("")
    assert find_blueprint("mine.yml") == Path("mine.yml")
    assert find_blueprint(str(tmp_path / "mine.yml")) == tmp_path / "mine.yml"
    assert find_blueprint("consul-pgbouncer").name == "consul-pgbouncer.yml"
    with pytest.raises(UnknownNameError) as unknown:
        find_blueprint("consul-pgbuncer")
    assert unknown.value.cure == "did you mean 'consul-pgbouncer'?"
    for absent in ("absent.yml", "./absent", "../consul-pgbouncer"):
        with pytest.raises(UsageError, match="there is no blueprint file"):
            find_blueprint(absent)


def test_a_problem_is_told_once_whatever_the_nodes(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "agent", "parameters: {port: {type: integer, default: 1, doc: a port}}\n")
    nodes = {f"n{i}": ["agent"] for i in range(30)}
    with pytest.raises(DocumentError) as caught:
        load(tmp_path, blueprint_text(nodes, "settings: {agent: {port: x}}\n"))
    assert len(caught.value.problems) == 1


def test_components_of_the_user_replace_the_shipped_ones(tmp_path: Path) -> None:
    write_component(tmp_path / "components", "consul", "parameters: {colour: {type: string, default: red, doc: x}}\n")
    loaded = load(tmp_path, blueprint_text({"one": ["consul"]}, "settings: {consul: {colour: blue}}\n"))
    assert loaded.components["consul"].folder == tmp_path / "components" / "consul"
