"""How an error is printed, and with which exit code each ends."""

from __future__ import annotations

import re
from typing import TypeGuard

import pytest

from labgen import errors
from labgen.documents import Place, Problem
from labgen.errors import DocumentError, HostError, LabgenError, UnknownNameError, meant


def is_error(found: object) -> TypeGuard[type[LabgenError]]:
    return isinstance(found, type) and issubclass(found, LabgenError)


def test_lines() -> None:
    error = HostError("there is no Vagrant", where="PATH", cure="apt install vagrant\nor so", detail=["a", "b"])
    assert str(error).splitlines() == [
        "error: there is no Vagrant",
        "  where: PATH",
        "  | a",
        "  | b",
        "  next:  apt install vagrant",
        "         or so",
    ]
    assert LabgenError("x").lines() == ["error: x"]


def test_document_error_begins_with_the_places() -> None:
    one, other = Problem(Place("a.yml"), "", "x"), Problem(Place("a.yml", 2), "nodes[0].name", "y")
    assert DocumentError([one]).lines() == ["a.yml:1:1: x", "error: the blueprint has 1 problem"]
    two = DocumentError([one, other], kind="component manifest", cure="mend them")
    assert two.lines()[1:] == [
        "a.yml:2:1: nodes[0].name: y",
        "error: the component manifest has 2 problems",
        "  next:  mend them",
    ]


@pytest.mark.parametrize(
    ("name", "known", "cure"),
    [
        ("patrony", ["patroni", "consul"], "did you mean 'patroni'?"),
        ("x", ["b", "a"], "there is: a, b"),
        ("x", [], "there is none"),
        ("", ["a"], "there is: a"),
    ],
)
def test_meant(name: str, known: list[str], cure: str) -> None:
    assert meant(name, known) == cure
    assert UnknownNameError("node", name, known).cure == cure


def test_exit_codes_are_those_of_the_documentation() -> None:
    """The tree in the module's docstring is what the README and `--help` promise."""
    listed = dict(re.findall(r"^[│├└─ ]*(\w+) +(\d+)\b", errors.__doc__ or "", re.MULTILINE))
    classes = {c.__name__: str(c.exit_code) for c in vars(errors).values() if is_error(c)}
    assert classes == listed
