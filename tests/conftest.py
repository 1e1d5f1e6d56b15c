"""Shared by the tests that boot labs: a command line with a state folder of its own, labs that are always removed."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live import Cli, LiveLab

# Tests make much garbage and few circles of it.
gc.set_threshold(50_000)

# A shell that starts the tests in the background has them ignore Ctrl-C, and with them everything that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: one more than there are cores, as some tests wait for a while and need none."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def labgen(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line, without any lab yet."""
    return Cli(tmp_path_factory.mktemp("state"))


@contextmanager
def removed_afterwards(labgen: Cli) -> Iterator[Callable[..., LiveLab]]:
    """Names labs; whatever has come of them is removed in the end."""
    made: list[LiveLab] = []

    def name(lab: str, **about: Any) -> LiveLab:
        made.append(LiveLab(labgen, lab, **about))
        return made[-1]

    yield name
    for lab in made:
        if (lab.folder / "lab.json").exists():
            labgen("destroy", lab.name, "--yes")


@pytest.fixture
def labs(labgen: Cli) -> Iterator[Callable[..., LiveLab]]:
    """Names labs of one test."""
    with removed_afterwards(labgen) as name:
        yield name


@pytest.fixture(scope="module")
def module_labs(labgen: Cli) -> Iterator[Callable[..., LiveLab]]:
    """Names labs of a whole module."""
    with removed_afterwards(labgen) as name:
        yield name


@pytest.fixture
def component_root(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a built-in component to where a test may spoil it; returns the copy."""
    scripts = Path(__file__).parents[1] / "scripts"

    def copy(component: str) -> Path:
        return Path(shutil.copytree(scripts / component, tmp_path / "components" / component))

    return copy
