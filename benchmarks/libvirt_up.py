"""A warm `labgen up` under libvirt, to verified, against a bare `vagrant up` of as many empty machines, by turns.

The bare machines have the same base image, memory and network, and no component; Vagrant is done with them when each
answers SSH. Target: 1.5 or less. Boots virtual machines: needs root and libvirt, and where they are emulated time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.common import (
    BLUEPRINTS,
    by_turns,
    lab,
    measured_up,
    on_subnet,
    options,
    ratio,
    row,
    scratch,
    show,
    timed,
    to_healthy,
    undisturbed,
    verdict,
)
from labgen.actions.cache.images import build_missing
from labgen.actions.session.open import LabRequest, lab_of
from labgen.artefacts import ArtefactStore
from labgen.images.machines import image_specs
from labgen.state import cache_folder
from tests.live import Cli

NAME, BARE = "bench", "bench-bare"
TARGET = 1.5
LONGEST = 3600  # seconds


def main() -> None:
    wanted = options(__doc__, repeats=1, blueprints=BLUEPRINTS[:1]).parse_args()
    with scratch() as work:
        result = {name: measure(work, name, wanted) for name in wanted.blueprint or BLUEPRINTS[:1]}
    show(result, "\n\n".join(map(table, result, result.values())), as_json=wanted.json)


def measure(work: Path, blueprint: str, wanted: argparse.Namespace) -> dict[str, Any]:
    """Bare `vagrant up` and `labgen up` by turns."""
    labgen = Cli(work)
    words = (blueprint, "--provider", "libvirt", *on_subnet(wanted.subnet))
    labgen("image", "build", *words)
    build_plain(blueprint, work / "logs")
    bare = work / f"bare-{blueprint}"
    labgen("render", *words, "--no-bake", "--no-artefacts", "--name", BARE, "-o", str(bare))

    def vagrant_up() -> float:
        try:
            return timed(lambda: vagrant(bare, "up", "--no-provision", "--provider=libvirt"))
        finally:
            # One after the other: the plugin has a race there.
            with undisturbed():
                vagrant(bare, "destroy", "--force")

    def up() -> dict[str, Any]:
        with lab(labgen, NAME):
            return measured_up(labgen, work, NAME, *words)

    found = by_turns(wanted.repeats, vagrant_up=vagrant_up, labgen_up=up)
    ups = found["labgen_up"]
    return {
        "bare_seconds": found["vagrant_up"],
        "up": ups,
        "ratio_to_healthy": ratio([to_healthy(one) for one in ups], found["vagrant_up"]),
        "ratio_to_verified": ratio([one["seconds"] for one in ups], found["vagrant_up"]),
        "target": TARGET,
    }


def build_plain(blueprint: str, logs: Path) -> None:
    """The image of the base system alone, unless it is there."""
    opened = lab_of(LabRequest(blueprint, provider="libvirt"))
    cache = cache_folder()
    artefacts = ArtefactStore(cache / "artefacts").ensure_all(opened.lab.components.values(), lambda _: None)
    build_missing(image_specs(opened.lab, baked=False).values(), artefacts, cache, logs, lambda _: None)


def vagrant(folder: Path, *words: str) -> None:
    """Run Vagrant in FOLDER; raises SystemExit with its last words. Ctrl-C has it end what it does by itself."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VAGRANT_CWD")}
    environment["VAGRANT_CHECKPOINT_DISABLE"] = "1"
    done = subprocess.run(
        ["vagrant", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        # Ctrl-C ends this program, and with it Vagrant; a `destroy` at the end is not to be cut off.
        start_new_session=words[0] == "destroy",
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            f"vagrant {' '.join(words)} ended with {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}"
        )


def table(blueprint: str, result: dict[str, Any]) -> str:
    """The result for people."""
    ups = result["up"]
    titles = dict.fromkeys(title for one in ups for title in one["phases"])
    return "\n".join(
        [
            blueprint,
            row("vagrant up of as many empty machines", result["bare_seconds"], "s"),
            row("labgen up: nothing to healthy", [to_healthy(one) for one in ups], "s"),
            row("labgen up: nothing to verified", [one["seconds"] for one in ups], "s"),
            *(row(f"  {title}", [one["phases"].get(title, 0) for one in ups], "s") for title in titles),
            f"{'ratio, to healthy':<48} {result['ratio_to_healthy']:8.2f}",
            verdict("ratio, to verified", result["ratio_to_verified"], result["target"]),
        ]
    )


if __name__ == "__main__":
    main()
