"""What setup.sh installs: locked with checksums, from wherever this host takes packages, and free to use."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.licences import licence, locked, page

ROOT = Path(__file__).parent.parent.parent
LOCKS = ("run", "test", "audit")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def text(name: str) -> str:
    return (ROOT / "requirements" / name).read_text()


@pytest.mark.parametrize("name", LOCKS)
def test_no_index_is_named(name: str) -> None:
    assert "://" not in text(f"{name}.txt")
    assert not re.search(r"^ *--(?!hash=sha256:[0-9a-f]{64}( \\)?$)", text(f"{name}.txt"), re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_checksums(name: str) -> None:
    entries = re.split(r"^(?=[a-z0-9])", text(f"{name}.txt"), flags=re.MULTILINE)[1:]
    assert len(entries) == len(locked(name)) > 20
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("run", PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]),
        ("test", PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["test"]),
    ],
)
def test_the_lock_is_what_the_project_wants(name: str, wanted: list[str]) -> None:
    """Else .ci/lock has to be run."""
    pinned = locked(name)
    for line in wanted:
        requirement = Requirement(line)
        assert pinned.get(canonicalize_name(requirement.name), "none") in requirement.specifier, line


def test_tests_run_with_what_labgen_runs_with() -> None:
    assert locked("run").items() <= locked("test").items()


def test_licences_are_listed() -> None:
    here = {canonicalize_name(it.name): it.version for it in distributions()}
    if any(here.get(package) != pinned for package, pinned in locked("run").items()):
        pytest.skip("other versions are installed here than setup.sh installs")
    assert (ROOT / "docs" / "licences.md").read_text() == page(), "python -m tests.licences > docs/licences.md"
    assert [package for package in locked("run") if not licence(package)] == []
