"""Everything here boots real labs in containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import LiveLab

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.docker)
            # A safety net, not a measure: an image is built in minutes, a lab boots in seconds.
            item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture
def whole(lab: LiveLab) -> LiveLab:
    """The module's lab, put together again should an earlier test have left it in pieces."""
    if lab.labgen("verify", lab.name, "--settle", "60", expect=None).rc != 0:
        lab.labgen("up", lab.name)
    return lab
