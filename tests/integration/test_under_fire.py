"""kill -9 of labgen at any moment of an `up`: the next `up` goes on and ends verified, or `destroy` leaves nothing."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import LiveLab, docker_things, processes_about, until

pytestmark = pytest.mark.timeout(900)

BLUEPRINT = "etcd-patroni-ops"
NODES = {f"node{number}": f"10.10.1.1{number}" for number in (1, 2, 3)}
KILLS = 10


@pytest.fixture(scope="module")
def seconds(module_labs: Callable[..., LiveLab]) -> float:
    """How long an `up` takes that nobody kills."""
    lab = module_labs("peace", made_from=(BLUEPRINT,), patroni=NODES)
    lab.labgen("image", "build", BLUEPRINT, "--provider", "docker")
    taken = lab.up("--provider", "docker").seconds
    lab.labgen("destroy", lab.name, "--yes")
    return taken


def killed(lab: LiveLab, after: float, log: Path) -> bool:
    """Start `up` and kill labgen, and nothing but labgen, AFTER so many seconds; whether it was still running."""
    with lab.labgen.started(*lab.up_words("--provider", "docker"), log=log) as child:
        end = time.monotonic() + after
        while child.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        running = child.poll() is None
        child.kill()
        child.wait()
    return running


def test_kills_at_random_moments(labs: Callable[..., LiveLab], seconds: float, tmp_path: Path) -> None:
    # Shown should it fail: the same moments again are TEST_SEED=… away.
    seed = int(os.environ.get("TEST_SEED") or random.SystemRandom().randrange(10**6))
    moments = random.Random(seed)  # noqa: S311
    lab = labs("fire", made_from=(BLUEPRINT,), patroni=NODES)
    hits = 0
    # One moment in each tenth of an `up`, in any order: by chance alone they could all be early.
    for number, tenth in enumerate(moments.sample(range(KILLS), KILLS)):
        share = (tenth + moments.random()) / KILLS
        what = f"TEST_SEED={seed}: kill {number} after {share * seconds:.2f} of {seconds:.2f} s"
        began = time.monotonic()
        if killed(lab, share * seconds, tmp_path / f"{number}.log"):
            hits += 1
        else:
            # It came to its end before: whatever else this machine does, it does less of it now.
            seconds = time.monotonic() - began
        if not (lab.folder / "lab.json").exists():
            continue  # killed before there was a lab
        if number % 2:
            done = lab.labgen("destroy", lab.name, "--yes", expect=None)
            assert done.rc == 0, f"{what}\n{done.said}"
            assert docker_things(lab.name) == [], what
            assert not lab.folder.exists(), what
            until(f"the end of Vagrant ({what})", 20, lambda: not processes_about(str(lab.folder)))
            assert docker_things(lab.name) == [], what  # nor made after it
        else:
            done = lab.up(expect=None)
            assert done.rc == 0, f"{what}\n{done.said}"
            assert "is up" in done.stdout, what
            lab.labgen("destroy", lab.name, "--yes")
    assert hits >= KILLS - 3
