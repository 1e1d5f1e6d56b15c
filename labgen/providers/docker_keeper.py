"""Containers kept as images: their file systems at one moment. Memory and tmpfs (/run, /tmp) are not in them."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.providers import base
from labgen.providers.base import ask
from labgen.providers.keeper import Boot, Room, certainly, must, side_by_side

REPOSITORY = "labgen-checkpoint"
LAB, NODE, MARK = "labgen.lab", "labgen.node", "labgen.checkpoint"
PATIENCE = 600.0
"""Seconds that the copy of one container's files may take."""


class DockerKeeper:
    """Pauses all containers, commits each, lets them go on; comes back with containers made from these images."""

    live = False

    def room(self, lab: Lab) -> Room:
        answer = must(
            ask(["docker", "container", "inspect", "--size", *_machines(lab)], timeout=120),
            "the containers do not tell how large they are",
            lab,
        )
        written = sum(int(container.get("SizeRw") or 0) for container in json.loads(answer.stdout))
        root = Path(ask(["docker", "info", "--format", "{{.DockerRootDir}}"]).stdout.strip() or "/")
        return Room((written >> 20) + 1, root)

    def save(self, lab: Lab, mark: str) -> dict[str, int]:
        _refuse_volumes(lab)
        try:
            must(ask(["docker", "pause", *_machines(lab)], timeout=60), "the containers cannot be paused", lab)
            side_by_side(lambda node: _commit(lab, node, mark), [node.name for node in lab.nodes])
        finally:
            certainly(lambda: self.thaw(lab))
        return {node.name: _added(image_name(lab, node.name, mark)) for node in lab.nodes}

    def restore(self, lab: Lab, mark: str, boot: Boot) -> None:
        self.release(lab, [node.name for node in lab.nodes])
        there = [row["Names"] for row in _rows("ps", lab)]
        if there:
            must(ask(["docker", "rm", "--force", "--volumes", *there], timeout=120), "containers stay", lab)
        boot({node.name: image_name(lab, node.name, mark) for node in lab.nodes})

    def kept(self, lab: Lab) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for image in _images(lab):
            labels = image["Config"].get("Labels") or {}
            # An image without its name is no longer kept, only still in use.
            if labels.get(MARK) and image_name(lab, labels[NODE], labels[MARK]) in (image.get("RepoTags") or ()):
                found.setdefault(labels[MARK], set()).add(labels[NODE])
        return {mark: frozenset(nodes) for mark, nodes in found.items()}

    def drop(self, lab: Lab, mark: str) -> None:
        names = [tag for image in _images(lab) for tag in image.get("RepoTags") or () if tag.endswith(f":{mark}")]
        if names:
            # By force: an image that a container was made from loses its name, and goes when that container goes.
            must(ask(["docker", "image", "rm", "--force", *names], timeout=120), "images stay", lab)
        _remove_nameless(lab)

    def thaw(self, lab: Lab) -> None:
        paused = [row["Names"] for row in _rows("ps", lab) if row.get("State") == "paused"]
        if paused:
            must(ask(["docker", "unpause", *paused], timeout=60), "the containers stay paused", lab)

    def release(self, lab: Lab, nodes: Collection[str]) -> None:  # noqa: ARG002
        # A paused container neither stops nor ends.
        self.thaw(lab)

    def sweep(self, lab: Lab) -> None:
        for mark in self.kept(lab):
            self.drop(lab, mark)
        _remove_nameless(lab)


def image_name(lab: Lab, node: str, mark: str) -> str:
    """The name of the image that keeps NODE."""
    return f"{REPOSITORY}/{lab.name}/{node}:{mark}"


def image_names(lab: Lab) -> list[str]:
    """The images that keep something of the lab; none if Docker cannot be asked."""
    try:
        return [(image.get("RepoTags") or [image["Id"]])[0] for image in _images(lab)]
    except OperationError:
        return []


def _machines(lab: Lab) -> list[str]:
    return [base.machine(lab, node.name) for node in lab.nodes]


def _refuse_volumes(lab: Lab) -> None:
    """What lies in a volume is not in the container's file system, and would silently be missing."""
    answer = must(ask(["docker", "container", "inspect", *_machines(lab)]), "the containers cannot be asked", lab)
    hidden = [
        f"{container['Name'].removeprefix('/')}: {mount['Destination']}"
        for container in json.loads(answer.stdout)
        for mount in container.get("Mounts") or ()
        if mount["Type"] == "volume"
    ]
    if hidden:
        raise OperationError(
            "a volume would not be in the checkpoint", where=lab.name, detail=hidden, cure="take the volume away"
        )


def _commit(lab: Lab, node: str, mark: str) -> None:
    words = ["docker", "commit", "--pause=false"]
    for label, value in ((LAB, lab.name), (NODE, node), (MARK, mark)):
        words += ["--change", f"LABEL {label}={value}"]
    words += [base.machine(lab, node), image_name(lab, node, mark)]
    must(ask(words, timeout=PATIENCE), f"the files of {node} cannot be kept", lab)


def _added(name: str) -> int:
    """Bytes of an image's last layer: what the node has of its own."""
    answer = ask(["docker", "history", "--human=false", "--format", "{{.Size}}", name])
    first = answer.stdout.split()[:1]
    return int(float(first[0])) if first and first[0].replace(".", "", 1).isdigit() else 0


def _images(lab: Lab) -> list[dict[str, Any]]:
    """What `docker image inspect` says of every image that keeps something of the lab, nameless ones too."""
    words = ["--filter", f"label={LAB}={lab.name}", "--filter", f"label={MARK}"]
    # No answer must not look like no image: a checkpoint would be taken for broken, or a lab for gone.
    listed = must(ask(["docker", "image", "ls", "--quiet", "--no-trunc", *words]), "the images cannot be listed", lab)
    ids = sorted(set(listed.stdout.split()))
    if not ids:
        return []
    # One may go between the two questions; the others are answered for all the same.
    found: list[dict[str, Any]] = json.loads(ask(["docker", "image", "inspect", *ids]).stdout or "[]")
    return found


def _remove_nameless(lab: Lab) -> None:
    """Those that have lost their name and are in use no more; one that is in use docker refuses to remove."""
    nameless = [image["Id"] for image in _images(lab) if not image.get("RepoTags")]
    for image in nameless:
        ask(["docker", "image", "rm", image], timeout=120)


def _rows(kind: str, lab: Lab) -> list[dict[str, Any]]:
    mine = ["--filter", f"label={LAB}={lab.name}"]
    answer = ask(["docker", kind, "--all", "--no-trunc", *mine, "--format", "{{json .}}"])
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
