"""Golden files: what labgen said or wrote, kept in the repository and reviewed as a diff.

pytest tests/golden                 compares
pytest tests/golden --regenerate    writes them anew; look at `git diff tests/golden` before you keep it
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

Golden = Callable[[Path, str], None]

# Words that belong to Python, pydantic or Jinja, not to somebody who writes a blueprint.
JARGON = re.compile(
    r"Traceback|[a-z]Error\b|object at 0x|<class|\b(None|True|False|tuple|dict|self|pydantic|validation)\b"
    r"|keyword argument|__\w+__|\bUndefined\b|line \d+, column \d+"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture(scope="session")
def regenerate(pytestconfig: pytest.Config) -> bool:
    """Whether golden files are written instead of compared."""
    return bool(pytestconfig.getoption("--regenerate"))


@pytest.fixture
def golden(regenerate: bool) -> Golden:
    """Compares a text with the golden file at a path, or writes it there."""

    def compare(path: Path, text: str) -> None:
        if regenerate:
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path.name} is not there yet: run pytest tests/golden --regenerate"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def readable() -> Callable[[str], None]:
    """Checks that a message has no jargon and nothing that a terminal would act upon."""

    def check(text: str) -> None:
        assert not JARGON.search(text)
        assert text.replace("\n", "").isprintable()

    return check
