"""Everything here boots real labs in containers."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.docker)
            # A safety net, not a measure: an image is built in minutes, a lab boots in seconds.
            item.add_marker(pytest.mark.timeout(1500))
