"""A rendered folder does without labgen, in virtual machines too. Emulated this takes some ten minutes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_rendered import by_hand, looks, members
from tests.live import Cli, libvirt_things

pytestmark = [pytest.mark.libvirt, pytest.mark.timeout(3600)]

NAME = "by-hand-vm"


@pytest.fixture(scope="module")
def folder(labgen: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder; its machines are gone when the module ends."""
    folder = tmp_path_factory.mktemp("rendered") / NAME
    labgen("render", "etcd-patroni-ops", "--name", NAME, "--provider", "libvirt", "-o", str(folder))
    yield folder
    if (folder / ".vagrant").exists():
        by_hand(folder, "./destroy.sh")
    assert libvirt_things(NAME) == []


def test_vagrant_up_alone_ends_with_a_lab(folder: Path) -> None:
    by_hand(folder, "./prepare.sh")
    by_hand(folder, "vagrant", "up")
    assert members(folder, "node1") == [("Leader", "running"), ("Replica", "streaming"), ("Replica", "streaming")]
    assert not [text for text in looks(folder) if "\u25cf" in text]


def test_one_step_runs_again_on_one_node(folder: Path) -> None:
    said = by_hand(folder, "vagrant", "provision", "--provision-with", "patroni-start", "node1")
    assert re.findall(r"Running provisioner: (\S+)", said) == ["patroni-start"]
    assert ("Leader", "running") in members(folder, "node1")
