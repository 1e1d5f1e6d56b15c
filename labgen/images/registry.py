"""Which images this machine has: a record each in the cache, believed while docker or Vagrant has the image too."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from labgen.images.spec import ImageSpec
from labgen.lock.packages import Package
from labgen.system.files import write_atomically


@dataclass(frozen=True)
class ImageRecord:
    """An image that was built here. size: bytes it takes; made: ISO 8601, UTC.

    packages: those that it has beside the ones of its tree; none in the records of an older labgen.
    """

    name: str
    provider: str
    os: str
    components: tuple[str, ...]
    size: int
    made: str
    packages: tuple[Package, ...] = ()


def have_image(spec: ImageSpec, cache: Path) -> bool:
    """Whether the image of SPEC is there, finished."""
    return _record_path(cache, spec.name).is_file() and _exists(spec.name, spec.provider)


def record_image(spec: ImageSpec, cache: Path, size: int, packages: tuple[Package, ...] = ()) -> None:
    """Write down that the image of SPEC is finished."""
    path = _record_path(cache, spec.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = ImageRecord(
        name=spec.name,
        provider=spec.provider,
        os=spec.os,
        components=tuple(component.name for component in spec.components),
        size=size,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    data = {**asdict(record), "packages": [package.model_dump() for package in packages]}
    write_atomically(path, json.dumps(data, indent=2).encode() + b"\n", 0o644)


def image_made(spec: ImageSpec, cache: Path) -> str:
    """When the image of SPEC was built here, ISO 8601; empty if that is not known."""
    try:
        return str(json.loads(_record_path(cache, spec.name).read_text())["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def list_images(cache: Path) -> list[ImageRecord]:
    """Every image that labgen built here, by name."""
    records = []
    for path in sorted((cache / "images").glob("*.json")):
        try:
            data = json.loads(path.read_text())
            packages = tuple(Package.model_validate(package) for package in data.get("packages", ()))
            components = tuple(data["components"])
            records.append(ImageRecord(**{**data, "components": components, "packages": packages}))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a record that cannot be read is no record: the image is built again when it is needed
    return [record for record in records if _exists(record.name, record.provider)]


def remove_image(record: ImageRecord, cache: Path) -> None:
    """Remove an image and its record; one that is already gone is fine."""
    if record.provider == "docker":
        _quiet(["docker", "image", "rm", record.name])
    else:
        _quiet(["vagrant", "box", "remove", "--force", "--all", "--provider", record.provider, record.name])
        _remove_volumes(record.name)
    _record_path(cache, record.name).unlink(missing_ok=True)


def _record_path(cache: Path, name: str) -> Path:
    return cache / "images" / f"{name.removeprefix('labgen/').replace(':', '-')}.json"


def have_box(name: str, provider: str) -> bool:
    """Whether Vagrant has the box NAME, whoever made it."""
    return any(_box(name).glob(f"*/{provider}/metadata.json")) or any(_box(name).glob(f"*/*/{provider}/metadata.json"))


def box_disk(name: str) -> Path:
    """The disk in the libvirt box NAME, which `have_image` has found."""
    return next(_box(name).glob("*/libvirt/box.img"))


def _exists(name: str, provider: str) -> bool:
    if provider == "docker":
        return _quiet(["docker", "image", "inspect", name]) == 0
    # `vagrant box list` takes a second to say the same.
    return any(_box(name).glob(f"*/{provider}/metadata.json"))


def _box(name: str) -> Path:
    home = Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d")
    return home / "boxes" / _as_file_name(name)


def _remove_volumes(box: str) -> None:
    """The copies of a box's disk that vagrant-libvirt keeps in libvirt's pools, and leaves there without the box."""
    for pool in _words(["virsh", "pool-list", "--name"]):
        for volume in _words(["virsh", "vol-list", "--pool", pool]):
            if volume.startswith(f"{_as_file_name(box)}_vagrant_box_image_"):
                _quiet(["virsh", "vol-delete", "--pool", pool, volume])


def _as_file_name(box: str) -> str:
    """How Vagrant and vagrant-libvirt write a box's name where a slash cannot be."""
    return box.replace("/", "-VAGRANTSLASH-")


def _words(command: list[str]) -> list[str]:
    """What COMMAND prints, cut at white space; nothing if it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        return []


def _quiet(words: list[str]) -> int:
    try:
        return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    except OSError:
        return 127
