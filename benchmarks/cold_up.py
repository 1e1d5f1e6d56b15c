"""A cold `labgen up` against the way of the documents, by turns: seconds and received bytes. Target: 5 times faster.

Cold means: an empty cache, so that artefacts are fetched or built, base system and images are made. The documents have
each node install everything for itself, one node after the other: here each is a container of the base system, or with
`--provider libvirt` a virtual machine, as the documents have them, in which labgen's own scripts run
(benchmarks/documents.py). Both sides begin by making the same base system, once: for the documents it stands for the
box that Vagrant would fetch. The artefacts are handed to the nodes; only their bytes count, once for each node that
needs them. The third side is a warm `up`, which is to download nothing.

Bytes are those that this machine's own network interfaces received meanwhile (not the bridges and containers inside),
so nothing else may download at the same time. Boots real labs, builds images, removes them; needs root.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    undisturbed,
    verdict,
)
from benchmarks.documents import Document, InContainers, InMachines
from labgen.actions.images import build_missing, image_specs
from labgen.actions.open import OpenLab, Wish, lab_of
from labgen.images import ImageRecord, ImageSpec, ensure_tree, is_there, remove_image
from labgen.resources import resource
from tests.live import Cli

NAME = "bench-cold"
TARGET = 5.0
INSIDE = re.compile(r"lo|docker\d+|br-.*|veth.*|virbr\d+|vnet\d+|tap.*|ifb\d+")
"""Interfaces over which nothing comes from outside that has not come over another one."""


@dataclass(frozen=True)
class Cold(Cli):
    """The command line with a cache of its own."""

    cache: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "LABGEN_CACHE": str(self.cache)}


def main() -> None:
    parser = options(__doc__, repeats=1, blueprints=BLUEPRINTS[:1])
    parser.add_argument("--provider", default="docker", choices=("docker", "libvirt"))
    wanted = parser.parse_args()
    with scratch() as work:
        result = {name: measure(work, name, wanted) for name in wanted.blueprint or BLUEPRINTS[:1]}
    show(result, "\n\n".join(map(table, result, result.values())), as_json=wanted.json)


def measure(work: Path, blueprint: str, wanted: argparse.Namespace) -> dict[str, Any]:
    """A cold `up`, a warm one after it, and the documents' way, by turns."""
    labgen = Cold(work / "state", work / "cache")
    roots = marked_components(work / "components", work.name)
    words = (blueprint, "--provider", wanted.provider, "--components", str(roots), *on_subnet(wanted.subnet))
    overrides = on_subnet(wanted.subnet)[1:]
    opened = lab_of(Wish(blueprint, provider=wanted.provider, overrides=overrides, components=(roots,), name=NAME))
    own = {spec.name: spec for spec in image_specs(opened.lab, baked=True).values()}

    def once(name: str) -> dict[str, Any]:
        before = received()
        with lab(labgen, name):
            done = measured_up(labgen, work, name, *words)
        return {**done, "bytes": received() - before}

    def forget() -> None:
        for spec in own.values():
            discard(spec, labgen.cache)

    def cold() -> dict[str, Any]:
        forget()
        shutil.rmtree(labgen.cache, ignore_errors=True)
        return once(NAME)

    def document() -> dict[str, Any]:
        rendered = work / f"document-{blueprint}"
        labgen("render", *words, "--no-bake", "--name", "document", "-o", str(rendered))
        with base_system(opened, work) as base:
            before = received()
            if wanted.provider == "libvirt":
                by_hand: Document = InMachines(opened, rendered)
            else:
                by_hand = InContainers(opened, rendered, base.image.name)
            try:
                seconds = timed(by_hand.up)
            finally:
                by_hand.down()
            nodes = received() - before + by_hand.artefact_bytes()
        return {"seconds": base.seconds + seconds, "bytes": base.bytes + nodes, "base_seconds": base.seconds}

    try:
        # The documents' way comes after, for it takes the artefacts from the cache that the cold `up` has filled.
        found = by_turns(wanted.repeats, cold=cold, warm=lambda: once(NAME), document=document)
    finally:
        forget()
    return {
        **found,
        "ratio": ratio([one["seconds"] for one in found["document"]], [one["seconds"] for one in found["cold"]]),
        "target": TARGET,
    }


def marked_components(root: Path, mark: str) -> Path:
    """A copy of all components whose install scripts say MARK, so that their images are nobody else's."""
    for folder in sorted(resource("scripts").iterdir()):
        if not (folder / "component.yml").is_file():
            continue
        copy = root / folder.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        if (copy / "install.sh").is_file():
            with (copy / "install.sh").open("a", encoding="utf-8") as script:
                script.write(f"\n# {mark}\n")
    return root


@dataclass(frozen=True)
class Base:
    """The image of the base system alone, and what it took to make its root filesystem."""

    image: ImageSpec
    seconds: float
    bytes: int


@contextmanager
def base_system(opened: OpenLab, work: Path) -> Iterator[Base]:
    """The base system, made anew; an image that is made for this is removed at the end."""
    spec: ImageSpec = next(iter(image_specs(opened.lab, baked=False).values()))
    there = is_there(spec.name, spec.provider)
    cache = work / "base"
    shutil.rmtree(cache, ignore_errors=True)
    before = received()
    seconds = timed(lambda: ensure_tree(spec, {}, cache, work / "base.log"))
    made = received() - before
    try:
        if not there:
            build_missing([spec], {}, cache, work / "logs", lambda _: None)
        yield Base(spec, seconds, made)
    finally:
        if not there:
            discard(spec, cache)


def discard(spec: ImageSpec, cache: Path) -> None:
    """Remove the image of SPEC, to the end; it need not be there."""
    with undisturbed():
        remove_image(ImageRecord(spec.name, spec.provider, spec.os, components=(), size=0, made=""), cache)


def received(interfaces: Path = Path("/sys/class/net")) -> int:
    """Bytes that this machine's own interfaces have received since it booted."""
    return sum(
        int((interface / "statistics" / "rx_bytes").read_text())
        for interface in interfaces.iterdir()
        if not INSIDE.fullmatch(interface.name)
    )


def table(blueprint: str, result: dict[str, Any]) -> str:
    """The result for people."""
    lines = [blueprint]
    for side, what in (
        ("cold", "cold labgen up: nothing to verified"),
        ("warm", "warm labgen up: nothing to verified"),
        ("document", "the documents' way: nothing to healthy"),
    ):
        lines.append(row(what, [one["seconds"] for one in result[side]], "s"))
        lines.append(row("  received", [one["bytes"] / 2**20 for one in result[side]], "MiB"))
    base = [one["base_seconds"] for one in result["document"]]
    lines.append(row("  the documents' way: base system", base, "s"))
    for title in dict.fromkeys(title for one in result["cold"] for title in one["phases"]):
        lines.append(row(f"  cold: {title}", [one["phases"].get(title, 0) for one in result["cold"]], "s"))
    lines.append(verdict("times faster", result["ratio"], result["target"], least=True))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
