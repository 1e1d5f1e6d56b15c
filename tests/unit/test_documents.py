"""The YAML dialect, the place of every value, and limits on what a file may do to the reader."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from labgen.components.manifest import Strict
from labgen.documents import LARGEST, MOST_VALUES, draft_document, read_document
from labgen.errors import BlueprintError


class Anything(Strict):
    value: Any = None
    other: Any = None


class Typed(Strict):
    number: int
    items: tuple[str, ...] = ()


def read(tmp_path: Path, text: str) -> Any:
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    return read_document(tmp_path / "a.yml", Anything, kind="document").plain["value"]


def faults(tmp_path: Path, content: str | bytes, model: type[Strict] = Anything) -> tuple[str, ...]:
    (tmp_path / "a.yml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BlueprintError) as caught:
        read_document(tmp_path / "a.yml", model, kind="document")
    return tuple(fault.removeprefix(f"{tmp_path}/") for fault in caught.value.faults)


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


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
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
    assert source.fault(("value", "a", "b", 3), "is odd").endswith("a.yml:2:3: value.a.b[3]: is odd")
    assert source.fault((), "is odd").endswith("a.yml:1:1: is odd")


def test_too_large(tmp_path: Path) -> None:
    assert faults(tmp_path, b"#" * (LARGEST + 1)) == (f"a.yml:1:1: is larger than {LARGEST} bytes",)


def test_nested_as_deep_as_the_file_is_large(tmp_path: Path) -> None:
    assert "values nest more than" in faults(tmp_path, "value: " + "[" * (LARGEST - 10))[0]


def test_bomb_is_stopped_at_once(tmp_path: Path) -> None:
    """Ten billion values in a kilobyte, as a list, and as a key."""
    text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        text += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    begun = time.process_time()
    assert f"unfolds into more than {MOST_VALUES} values" in faults(tmp_path, text)[0]
    assert f"unfolds into more than {MOST_VALUES} values" in faults(tmp_path, text + "? *j\n: x\n")[0]
    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "text",
    ["value: !!python/name:os.system\n", "value: !!python/object/new:os.system [x]\nother: !!python/module:os\n"],
)
def test_no_python_is_made(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    try:
        plain = read_document(tmp_path / "a.yml", Anything, kind="document").plain
    except BlueprintError:
        return
    assert plain["value"] == ("x",)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BlueprintError) as caught:
        read_document(tmp_path / "absent.yml", Anything, kind="document")
    assert caught.value.faults[0].endswith("absent.yml:1:1: cannot be read: No such file or directory")
    with pytest.raises(BlueprintError) as caught:
        read_document(tmp_path, Anything, kind="document")
    assert caught.value.faults[0].endswith(": cannot be read: Is a directory")


def test_faults_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "\n".join(["items: [1, a, 2]", *[f"k{n}: 1" for n in range(12)], "number: x", ""])
    found = faults(tmp_path, text, Typed)
    lines = [int(fault.split(":")[1]) for fault in found]
    assert lines == sorted(lines)
    assert len(found) == 2 + 12 + 1
    assert found[-1] == "a.yml:14:1: number: must be a whole number, not 'x'"


def test_shown_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.yml").write_text("[]")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BlueprintError) as caught:
        read_document(tmp_path / "below" / "a.yml", Anything, kind="document")
    assert caught.value.faults[0].startswith("below/a.yml:1:1: ")


def test_draft_keeps_what_is_sound(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("number: 5\nitems: [a, 1, b, {}, c]\ncolour: red\n")
    draft = draft_document(tmp_path / "a.yml", Typed, kind="document")
    assert draft.value == Typed(number=5, items=("a", "b", "c"))
    assert len(draft.faults) == 3
