"""The disk runs full in the middle of an `up`: it says so, and with room again the next `up` goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live import Cli, LiveLab, docker_things, run, until

BLUEPRINT = "etcd-patroni-ops"
RANGE = ("--set", "network.cidr=10.87.1.0/24")
SIZE = 4  # MiB: labs have little to keep, beside their machines


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a small disk of its own."""
    place = tmp_path / "small"
    place.mkdir()
    done = run("mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(place))
    assert done.rc == 0, done.said
    yield place
    run("umount", str(place))


@pytest.fixture
def lab(small: Path) -> Iterator[LiveLab]:
    """A lab whose folder is there."""
    lab = LiveLab(Cli(small / "state"), "no-room", made_from=(BLUEPRINT, *RANGE), patroni={})
    yield lab
    if lab.folder.exists():
        lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []


def fill(disk: Path) -> Path:
    """A file that takes all the room there is on DISK."""
    filler = disk / "filler"
    run("dd", "if=/dev/zero", f"of={filler}", "bs=4k")
    return filler


def boots(lab: LiveLab) -> bool:
    return any("up" in name for name in lab.vagrant_calls())


def provisions(lab: LiveLab) -> bool:
    return '"patroni"' in (lab.step_starts() if (lab.folder / "journal.jsonl").exists() else "")


@pytest.mark.parametrize("moment", [boots, provisions])
def test_no_room_for_the_labs_folder(
    lab: LiveLab, small: Path, tmp_path: Path, moment: Callable[[LiveLab], bool]
) -> None:
    output = tmp_path / "output"
    with lab.labgen.started(*lab.up_words("--provider", "docker"), log=output) as child:
        until("the moment", 600, lambda: child.poll() is not None or moment(lab))
        assert child.poll() is None, output.read_text()
        filler = fill(small)
        try:
            rc = child.wait(120)
        finally:
            filler.unlink()
    said = output.read_text()
    assert rc in (3, 4), said
    assert "df -h" in said
    assert "Traceback" not in said
    assert "fault of labgen" not in said
    done = lab.up("--provider", "docker")
    assert "is up" in done.stdout


def test_no_room_for_images_is_said_before_anything_is_made(small: Path, labgen: Cli) -> None:
    refused = labgen(
        *("up", BLUEPRINT, "--name", "no-room-at-all", "--provider", "docker"),
        environment={"LABGEN_CACHE": str(small)},
        expect=3,
    )
    assert "MiB are free" in refused.stderr
    assert str(small) in refused.stderr
    assert not labgen.folder("no-room-at-all").exists()
