"""Quoting filters against hostile values: each is evaluated by the language it goes into."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
import yaml

from labgen.lab.quoting import FILTERS

HOSTILE = (
    "",
    " ",
    "plain",
    "two words",
    "it's",
    'say "yes"',
    "'; touch hacked; '",
    "$(touch hacked)",
    "`touch hacked`",
    "${HOME}$HOME$$",
    "#{`touch hacked`}",
    "back\\slash",
    "ends with \\",
    "\\'",
    "\\\\'; system('touch hacked') #",
    "new\nline",
    "\r\n\t",
    "-rf",
    "--help",
    "~root",
    "*?[a-z]",
    "!history",
    "# comment",
    "a: b",
    "- item",
    "&anchor *alias !tag %x @y",
    "null",
    "true",
    "no",
    "1e3",
    "0644",
    "{{ lab.name }}{% raw %}",
    "Kaptan şöyle böyle 東京 Привет",
    "\U0001f600",
    "\x7f\x85\x9b\u2028\u2029\ufeff\u200b",
    "\x1b[31mred",
    "\x01\x02",
    "a:b\\:c",
    "x" * 5000,
)


@pytest.mark.parametrize("value", HOSTILE)
def test_json(value: str) -> None:
    assert json.loads(FILTERS["json"](value)) == value
    assert "\n" not in FILTERS["json"](value)


@pytest.mark.parametrize("value", HOSTILE)
def test_yaml(value: str) -> None:
    assert yaml.safe_load(f"key: {FILTERS['yaml'](value)}\nnext: 1\n") == {"key": value, "next": 1}
    nested = {"a": [value, {value[:500]: value}], "b": (1, True, None)}
    assert yaml.safe_load(FILTERS["yaml"](nested)) == {"a": [value, {value[:500]: value}], "b": [1, True, None]}


def test_json_of_data() -> None:
    assert json.loads(FILTERS["json"]({"b": (1, 2.5, True, None), "a": "x"})) == {"b": [1, 2.5, True, None], "a": "x"}
    assert FILTERS["json"]({"b": 1, "a": 2}) == FILTERS["json"]({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        FILTERS["json"](float("nan"))


def test_shell(tmp_path: Path) -> None:
    """bash gets each value back unchanged, as a word and from an environment file, and runs none of it."""
    words = " ".join(FILTERS["shell"](value) for value in HOSTILE)
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {words}"], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == list(HOSTILE)
    (tmp_path / "env").write_text(
        "".join(f"V{index}={FILTERS['shell'](value)}\n" for index, value in enumerate(HOSTILE)), newline=""
    )
    names = " ".join(f'"$V{index}"' for index in range(len(HOSTILE)))
    code = f"set -a; . ./env; set +a; printf '%s\\0' {names}"
    done = subprocess.run(["bash", "-euc", code], cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == list(HOSTILE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["env"]


def test_ruby(tmp_path: Path) -> None:
    if not shutil.which("ruby"):
        pytest.skip("ruby is not here")
    values = ", ".join(FILTERS["ruby"](value) for value in HOSTILE)
    (tmp_path / "values.rb").write_text(f'print [{values}].join("\\0")\n', encoding="utf-8", newline="")
    done = subprocess.run(["ruby", "-Ku", "values.rb"], cwd=tmp_path, capture_output=True, check=True)
    # Ruby reads CR LF in its source as one line feed.
    assert done.stdout.decode().split("\0") == [value.replace("\r\n", "\n") for value in HOSTILE]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["values.rb"]


@pytest.mark.parametrize("value", HOSTILE)
def test_sql(value: str) -> None:
    """SQLite has the standard's rules for strings and identifiers, as PostgreSQL has."""
    database = sqlite3.connect(":memory:")
    row = database.execute(f"select {FILTERS['sql_literal'](value)}").fetchone()
    assert row == (value,)
    database.execute(f"create table t ({FILTERS['sql_ident']('c' + value)} int)")
    assert [column[0] for column in database.execute("select * from t").description] == ["c" + value]


@pytest.mark.parametrize("value", HOSTILE)
def test_pgpass(value: str) -> None:
    """Read back as libpq does: a backslash protects the next character, a colon ends the field."""
    line = f"{FILTERS['pgpass'](value)}:{FILTERS['pgpass'](value)}:"
    fields, now, protected = [], "", False
    for char in line:
        if protected or char not in "\\:":
            now, protected = now + char, False
        elif char == "\\":
            protected = True
        else:
            fields.append(now)
            now = ""
    assert fields == [value, value]


@pytest.mark.parametrize("name", ["shell", "ruby", "sql_literal", "sql_ident", "pgpass"])
def test_what_is_no_text(name: str) -> None:
    assert FILTERS[name](5) == FILTERS[name]("5")
    assert FILTERS[name](True) == FILTERS[name]("true")
    with pytest.raises(ValueError, match="no value"):
        FILTERS[name](None)
