"""Containers kept as images: their file systems at one moment. Memory and tmpfs (/run, /tmp) are not in them."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.providers.names import LabNames, machine_name
from labgen.providers.snapshot_tools import require_ok, side_by_side, uninterruptible
from labgen.providers.snapshotter import Boot, SpaceNeeded
from labgen.system.tools import ToolResult, ask

REPOSITORY = "labgen-checkpoint"
LAB, NODE, SNAPSHOT = "labgen.lab", "labgen.node", "labgen.checkpoint"
TIMEOUT = 600.0
"""Seconds that the copy of one container's files may take."""


class DockerSnapshotter:
    """Pauses all containers, commits each, lets them go on; comes back with containers made from these images."""

    live = False

    def space_needed(self, lab: Lab) -> SpaceNeeded:
        answer = require_ok(
            ask(["docker", "container", "inspect", "--size", *_machines(lab)], timeout=120),
            "the containers do not tell how large they are",
            lab,
        )
        written = sum(int(container.get("SizeRw") or 0) for container in json.loads(answer.stdout))
        root = Path(ask(["docker", "info", "--format", "{{.DockerRootDir}}"]).stdout.strip() or "/")
        return SpaceNeeded((written >> 20) + 1, root)

    def save(self, lab: Lab, snapshot_id: str) -> dict[str, int]:
        _refuse_volumes(lab)
        try:
            require_ok(ask(["docker", "pause", *_machines(lab)], timeout=60), "the containers cannot be paused", lab)
            side_by_side(lambda node: _commit(lab, node, snapshot_id), [node.name for node in lab.nodes])
        finally:
            uninterruptible(lambda: self.unpause(lab))
        return {node.name: _added(image_name(lab, node.name, snapshot_id)) for node in lab.nodes}

    def restore(self, lab: Lab, snapshot_id: str, boot: Boot) -> None:
        self.release(lab, [node.name for node in lab.nodes])
        there = [row["Names"] for row in _rows("ps", lab)]
        if there:
            require_ok(ask(["docker", "rm", "--force", "--volumes", *there], timeout=120), "containers stay", lab)
        boot({node.name: image_name(lab, node.name, snapshot_id) for node in lab.nodes})

    def kept(self, lab: LabNames) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for image in _images(lab):
            labels, tags = image["Config"].get("Labels") or {}, image.get("RepoTags") or ()
            # An image without its name is no longer kept, only still in use.
            if labels.get(SNAPSHOT) and image_name(lab, labels[NODE], labels[SNAPSHOT]) in tags:
                found.setdefault(labels[SNAPSHOT], set()).add(labels[NODE])
        return {snapshot_id: frozenset(nodes) for snapshot_id, nodes in found.items()}

    def drop(self, lab: LabNames, snapshot_id: str) -> None:
        ending = f":{snapshot_id}"
        names = [tag for image in _images(lab) for tag in image.get("RepoTags") or () if tag.endswith(ending)]
        if names:
            # By force: an image that a container was made from loses its name, and goes when that container goes.
            require_ok(ask(["docker", "image", "rm", "--force", *names], timeout=120), "images stay", lab)
        _remove_nameless(lab)

    def unpause(self, lab: LabNames) -> None:
        paused = [row["Names"] for row in _rows("ps", lab) if row.get("State") == "paused"]
        if paused:
            require_ok(ask(["docker", "unpause", *paused], timeout=60), "the containers stay paused", lab)

    def release(self, lab: LabNames, nodes: Collection[str]) -> None:  # noqa: ARG002
        # A paused container neither stops nor ends.
        self.unpause(lab)

    def purge(self, lab: LabNames) -> None:
        for snapshot_id in self.kept(lab):
            self.drop(lab, snapshot_id)
        _remove_nameless(lab)


def image_name(lab: LabNames, node: str, snapshot_id: str) -> str:
    """The name of the image that keeps NODE."""
    return f"{REPOSITORY}/{lab.name}/{node}:{snapshot_id}"


def image_names(lab: LabNames) -> list[str]:
    """The images that keep something of the lab; none if Docker cannot be asked."""
    try:
        return [(image.get("RepoTags") or [image["Id"]])[0] for image in _images(lab)]
    except OperationError:
        return []


def _machines(lab: Lab) -> list[str]:
    return [machine_name(lab, node.name) for node in lab.nodes]


def _refuse_volumes(lab: Lab) -> None:
    """What lies in a volume is not in the container's file system, and would silently be missing."""
    answer = require_ok(ask(["docker", "container", "inspect", *_machines(lab)]), "the containers cannot be asked", lab)
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


def _commit(lab: Lab, node: str, snapshot_id: str) -> None:
    words = ["docker", "commit", "--pause=false"]
    for label, value in ((LAB, lab.name), (NODE, node), (SNAPSHOT, snapshot_id)):
        words += ["--change", f"LABEL {label}={value}"]
    words += [machine_name(lab, node), image_name(lab, node, snapshot_id)]
    require_ok(ask(words, timeout=TIMEOUT), f"the files of {node} cannot be kept", lab)


def _added(name: str) -> int:
    """Bytes of an image's last layer: what the node has of its own."""
    answer = ask(["docker", "history", "--human=false", "--format", "{{.Size}}", name])
    first = answer.stdout.split()[:1]
    return int(float(first[0])) if first and first[0].replace(".", "", 1).isdigit() else 0


def _images(lab: LabNames) -> list[dict[str, Any]]:
    """What `docker image inspect` says of every image that keeps something of the lab, nameless ones too."""
    # No answer must not look like no image: a checkpoint would be taken for broken, or a lab for gone.
    return _inspected(require_ok(_listed(f"label={LAB}={lab.name}"), "the images cannot be listed", lab))


def snapshot_images(lab: str | None = None) -> list[dict[str, Any]]:
    """The same of every lab, or of LAB, whoever made them; none if Docker cannot be asked."""
    return _inspected(_listed(f"label={LAB}={lab}" if lab else f"label={LAB}"))


def _listed(label: str) -> ToolResult:
    words = ["--filter", label, "--filter", f"label={SNAPSHOT}"]
    return ask(["docker", "image", "ls", "--quiet", "--no-trunc", *words])


def _inspected(listed: ToolResult) -> list[dict[str, Any]]:
    ids = sorted(set(listed.stdout.split())) if listed.rc == 0 else []
    if not ids:
        return []
    # One may go between the two questions; the others are answered for all the same.
    found: list[dict[str, Any]] = json.loads(ask(["docker", "image", "inspect", *ids]).stdout or "[]")
    return found


def _remove_nameless(lab: LabNames) -> None:
    """Those that have lost their name and are in use no more; one that is in use docker refuses to remove."""
    nameless = [image["Id"] for image in _images(lab) if not image.get("RepoTags")]
    for image in nameless:
        ask(["docker", "image", "rm", image], timeout=120)


def _rows(kind: str, lab: LabNames) -> list[dict[str, Any]]:
    mine = ["--filter", f"label={LAB}={lab.name}"]
    answer = ask(["docker", kind, "--all", "--no-trunc", *mine, "--format", "{{json .}}"])
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
