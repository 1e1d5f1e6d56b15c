"""A cold `labgen up` against the way of the documents, by turns: seconds and received bytes. Target: 5 times faster.

Cold means: an empty cache, so that artefacts are fetched or built, base system and images are made. The documents have
each node install everything for itself, one node after the other: here a container of the base system a node, in which
labgen's own install and configure scripts run, node by node; then the services are started as labgen's plan has them,
side by side, which is kinder than the documents are. Both sides begin by making the same base system, once: for the
documents it stands for the box that Vagrant would fetch. The artefacts are handed to the nodes; only their bytes count,
once for each node that needs them. The third side is a warm `up`, which is to download nothing.

Bytes are those that this machine's own network interfaces received meanwhile (not the bridges and containers inside),
so nothing else may download at the same time. Boots real labs with docker, builds images, removes them; needs root.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
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
    remove,
    row,
    scratch,
    show,
    timed,
    verdict,
)
from benchmarks.floor import OPTIONS, READY, cidr_of, docker, nodes_of
from labgen.actions.cache.images import build_missing
from labgen.actions.session.open import LabRequest, OpenLab, lab_of
from labgen.images import ImageSpec, ensure_tree
from labgen.images.machines import image_specs
from labgen.plan import StepId, build_plan
from labgen.resources import resource
from tests.live import Cli

NAME, PREFIX, NETWORK = "bench-cold", "labgen-document-", "labgen-document"
TARGET = 5.0
RUN = ("bash", "/opt/labgen/components/lib/run.sh")
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
    wanted = options(__doc__, repeats=1, blueprints=BLUEPRINTS[:1]).parse_args()
    with scratch() as work:
        result = {name: measure(work, name, wanted) for name in wanted.blueprint or BLUEPRINTS[:1]}
    show(result, "\n\n".join(map(table, result, result.values())), as_json=wanted.json)


def measure(work: Path, blueprint: str, wanted: argparse.Namespace) -> dict[str, Any]:
    """A cold `up`, a warm one after it, and the documents' way, by turns."""
    labgen = Cold(work / "state", work / "cache")
    roots = marked_components(work / "components", work.name)
    words = (blueprint, "--provider", "docker", "--components", str(roots), *on_subnet(wanted.subnet))
    opened = lab_of(
        LabRequest(blueprint, provider="docker", overrides=on_subnet(wanted.subnet)[1:], components=(roots,), name=NAME)
    )
    own = [spec.name for spec in image_specs(opened.lab, baked=True).values()]

    def once(name: str) -> dict[str, Any]:
        before = received()
        with lab(labgen, name):
            done = measured_up(labgen, work, name, *words)
        return {**done, "bytes": received() - before}

    def forget() -> None:
        remove(("docker", "image", "rm", "--force", *set(own)))

    def cold() -> dict[str, Any]:
        forget()
        shutil.rmtree(labgen.cache, ignore_errors=True)
        return once(NAME)

    def document() -> dict[str, Any]:
        rendered = work / f"document-{blueprint}"
        labgen("render", *words, "--no-bake", "--name", "document", "-o", str(rendered))
        with base_system(opened, work) as base:
            before = received()
            by_hand = Document(opened, rendered, base.image)
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
    """The docker image of the base system alone, and what it took to make its root filesystem."""

    image: str
    seconds: float
    bytes: int


@contextmanager
def base_system(opened: OpenLab, work: Path) -> Iterator[Base]:
    """The base system, made anew; a docker image that is made for this is removed at the end."""
    spec: ImageSpec = next(iter(image_specs(opened.lab, baked=False).values()))
    there = subprocess.run(["docker", "image", "inspect", spec.name], capture_output=True, check=False).returncode == 0
    cache = work / "base"
    shutil.rmtree(cache, ignore_errors=True)
    before = received()
    seconds = timed(lambda: ensure_tree(spec, {}, cache, work / "base.log"))
    made = received() - before
    try:
        if not there:
            build_missing([spec], {}, cache, work / "logs", lambda _: None)
        yield Base(spec.name, seconds, made)
    finally:
        if not there:
            remove(("docker", "image", "rm", "--force", spec.name))


class Document:
    """A lab that is made node by node in containers of BASE, from a folder that `labgen render` wrote."""

    def __init__(self, opened: OpenLab, rendered: Path, base: str) -> None:
        self.lab = opened.lab
        self.rendered = rendered
        self.base = base
        text = (rendered / "Vagrantfile").read_text()
        self.addresses, _ = nodes_of(text)
        self.subnet = cidr_of(text)

    def up(self) -> None:
        """From nothing until every service is ready."""
        docker("network", "create", "--subnet", self.subnet, NETWORK)
        for name, address in self.addresses.items():
            self._install(name, address)
        self._start()

    def down(self) -> None:
        """Remove everything; nothing may be there."""
        containers = (PREFIX + name for name in self.addresses)
        remove(("docker", "rm", "-fv", *containers), ("docker", "network", "rm", NETWORK))

    def artefact_bytes(self) -> int:
        """Bytes of the artefacts, once for each node that they are installed on."""
        names = self.lab.artefact_names
        return sum(
            (self.rendered / "artefacts" / artefact).stat().st_size
            for node in self.lab.nodes
            for component in node.components
            for artefact in names[component]
        )

    def _install(self, name: str, address: str) -> None:
        container = PREFIX + name
        docker(
            *("run", "--detach", "--name", container, "--hostname", name, "--network", NETWORK, "--ip", address),
            *OPTIONS,
            self.base,
        )
        docker("exec", "-i", container, "timeout", "120", "bash", "-e", given=READY.encode())
        docker("exec", container, "mkdir", "-p", "-m", "0700", "/opt/labgen")
        for folder in ("components", "artefacts"):
            if (self.rendered / folder).is_dir():
                docker("cp", str(self.rendered / folder), f"{container}:/opt/labgen/{folder}")
        docker("cp", str(self.rendered / "nodes" / name), f"{container}:/opt/labgen/node")
        for step in build_plan(self.lab).of_stage("install", "configure"):
            if step.id.node == name:
                self._run(step.id)

    def _start(self) -> None:
        """The steps with which services start and are ready, in the plan's order, all at once that may be."""
        steps = build_plan(self.lab).of_stage("start", "ready")
        wanted = {step.id for step in steps}
        order = TopologicalSorter({step.id: step.after & wanted for step in steps})
        order.prepare()
        with ThreadPoolExecutor(len(wanted)) as pool:
            running = {}
            while order.is_active():
                for step in order.get_ready():
                    running[step] = pool.submit(self._run, step)
                step = wait_for_one(running)
                del running[step]
                order.done(step)

    def _run(self, step: StepId) -> None:
        docker("exec", PREFIX + step.node, *RUN, step.component, step.stage)


def wait_for_one(running: Mapping[StepId, Future[None]]) -> StepId:
    """A step that has ended; raises what it raised."""
    ended = next(iter(wait(running.values(), return_when=FIRST_COMPLETED).done))
    ended.result()
    return next(step for step, future in running.items() if future is ended)


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
