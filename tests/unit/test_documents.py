"""The YAML dialect, the place of every value, and limits on what a file may do to the reader."""

from __future__ import annotations

import time
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
import yaml

from labgen.components.manifest import Strict
from labgen.documents import Place, Problem, Source
from labgen.documents.model import draft_document, read_document
from labgen.documents.text import LARGEST, MOST_VALUES, CoreLoader, QuickLoader, _parsed
from labgen.errors import DocumentError

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for folder in ("blueprints", "scripts", "examples", "tests/golden")
    for path in (ROOT / folder).rglob("*.yml")
    if path.stem != "not-utf8"
)


class Anything(Strict):
    value: Any = None
    other: Any = None


class Typed(Strict):
    number: int
    items: tuple[str, ...] = ()


def read(tmp_path: Path, text: str) -> Any:
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    return read_document(tmp_path / "a.yml", Anything, kind="document").plain["value"]


def problems(tmp_path: Path, content: str | bytes, model: type[Strict] = Anything) -> tuple[str, ...]:
    (tmp_path / "a.yml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "a.yml", model, kind="document")
    return tuple(str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1:30", "1:30"),
        ("0640", 640),
        ("0x1f", 31),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("-5", -5),
        ("+5", 5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".", "."),
        ("1.2.3", "1.2.3"),
        ("192.168.60.2", "192.168.60.2"),
        ("2024-01-01", "2024-01-01"),
        ("12e03f", "12e03f"),
        ("<<", "<<"),
        ("=", "="),
        ("'5'", "5"),
        ('"a\\nb"', "a\nb"),
        ("[1, [2]]", (1, (2,))),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("!!str 5", "5"),
        (">-\n  two\n  lines", "two lines"),
        ("şöyle 東京", "şöyle 東京"),
    ],
)
def test_core_schema(tmp_path: Path, text: str, value: object) -> None:
    found = read(tmp_path, f"value: {text}\n")
    assert found == value
    assert type(found) is type(value)


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbfvalue: 1\r\nother: 2\r\n")
    document = read_document(tmp_path / "a.yml", Anything, kind="document")
    assert document.plain == {"value": 1, "other": 2}
    assert document.source.places[("other",)].line == 2


def test_anchors_are_followed(tmp_path: Path) -> None:
    text = "value: {a: &x [1, 2], b: *x}\n"
    assert read(tmp_path, text) == {"a": (1, 2), "b": (1, 2)}


def test_places(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("# first\nvalue:\n  - {a: 1, b: [x, y]}\n  -\n    c: 2\n")
    places = read_document(tmp_path / "a.yml", Anything, kind="document").source.places
    found = {loc: (place.line, place.column) for loc, place in places.items()}
    assert found == {
        (): (2, 1),
        ("value",): (2, 1),
        ("value", 0): (3, 5),
        ("value", 0, "a"): (3, 6),
        ("value", 0, "b"): (3, 12),
        ("value", 0, "b", 0): (3, 16),
        ("value", 0, "b", 1): (3, 19),
        ("value", 1): (5, 5),
        ("value", 1, "c"): (5, 5),
    }


def test_the_place_of_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("value:\n  a: 1\n")
    source = read_document(tmp_path / "a.yml", Anything, kind="document").source
    assert str(source.problem(("value", "a", "b", 3), "is odd")).endswith("a.yml:2:3: value.a.b[3]: is odd")
    assert str(source.problem((), "is odd")).endswith("a.yml:1:1: is odd")


def test_a_problem_is_a_value_that_becomes_text_at_the_end() -> None:
    problem = Problem(Place("a.yml", 2, 3), "nodes[0]", "is\x1b odd")
    assert problem == Problem(Place("a.yml", 2, 3), "nodes[0]", "is\x1b odd")
    assert str(problem) == "a.yml:2:3: nodes[0]: is\\x1b odd"
    assert str(Problem(Place(""), "hold", "is odd")) == "hold: is odd"
    told = {"file": "a.yml", "line": 2, "column": 3, "path": "nodes[0]", "what": "is\\x1b odd"}
    assert problem.data() == told
    with pytest.raises(FrozenInstanceError):
        problem.what = "is even"  # type: ignore[misc]


def test_problems_are_told_once_in_the_order_of_lines_those_of_other_files_last() -> None:
    def at(file: str, line: int, column: int = 1) -> Problem:
        return Problem(Place(file, line, column), "", "is odd")

    found = [at("base: 1.yml", 1), at("b.yml", 10), at("b.yml", 9, 2), at("b.yml", 10), at("b.yml", 9, 1)]
    sorted_ = [at("b.yml", 9, 1), at("b.yml", 9, 2), at("b.yml", 10), at("base: 1.yml", 1)]
    assert Source("b.yml").sort(found) == sorted_


@pytest.mark.skipif(QuickLoader is None, reason="PyYAML has no libyaml here")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_both_loaders_read_the_same(path: Path) -> None:
    """What the quick one refuses is read again by the other."""

    def read(loader: Any) -> Any:
        try:
            parsed = _parsed(loader(path.read_text(encoding="utf-8-sig")), "a.yml", "document")
        except (yaml.YAMLError, RecursionError):
            return "no YAML"
        except DocumentError as error:
            return error.problems
        return parsed.plain, parsed.source.places, parsed.problems

    quick = read(QuickLoader)
    assert quick in ("no YAML", read(CoreLoader))
    assert quick != "no YAML" or "errors" in path.parts or "manifests" in path.parts


def test_too_large(tmp_path: Path) -> None:
    assert problems(tmp_path, b"#" * (LARGEST + 1)) == (
        f"a.yml:1:1: cannot be read: it is larger than {LARGEST} bytes",
    )


def test_nested_as_deep_as_the_file_is_large(tmp_path: Path) -> None:
    assert "values nest more than" in problems(tmp_path, "value: " + "[" * (LARGEST - 10))[0]


def test_bomb_is_stopped_at_once(tmp_path: Path) -> None:
    """Ten billion values in a kilobyte, as a list, and as a key."""
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        text += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    begun = time.process_time()
    assert f"unfolds into more than {MOST_VALUES} values" in problems(tmp_path, text)[0]
    assert f"unfolds into more than {MOST_VALUES} values" in problems(tmp_path, text + "? *j\n: x\n")[0]
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "text",
    ["value: !!python/name:os.system\n", "value: !!python/object/new:os.system [x]\nother: !!python/module:os\n"],
)
def test_no_python_is_made(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    try:
        plain = read_document(tmp_path / "a.yml", Anything, kind="document").plain
    except DocumentError:
        return
    assert plain["value"] == ("x",)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "absent.yml", Anything, kind="document")
    assert str(caught.value.problems[0]).endswith("absent.yml:1:1: cannot be read: No such file or directory")
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path, Anything, kind="document")
    assert str(caught.value.problems[0]).endswith(": cannot be read: Is a directory")


def test_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "\n".join(["items: [1, a, 2]", *[f"k{n}: 1" for n in range(12)], "number: x", ""])
    found = problems(tmp_path, text, Typed)
    lines = [int(problem.split(":")[1]) for problem in found]
    assert lines == sorted(lines)
    assert len(found) == 2 + 12 + 1
    assert found[-1] == "a.yml:14:1: number: must be a whole number, not 'x'"


def test_shown_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.yml").write_text("[]")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "below" / "a.yml", Anything, kind="document")
    assert str(caught.value.problems[0]).startswith("below/a.yml:1:1: ")


def test_draft_keeps_what_is_sound(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("number: 5\nitems: [a, 1, b, {}, c]\ncolour: red\n")
    draft = draft_document(tmp_path / "a.yml", Typed, kind="document")
    assert draft.value == Typed(number=5, items=("a", "b", "c"))
    assert len(draft.problems) == 3
