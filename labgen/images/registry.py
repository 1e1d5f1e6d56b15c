"""Which images this machine has: a record each in the cache, believed while its provider has the image too."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from labgen.images.spec import ImageSpec
from labgen.lock.packages import Package
from labgen.providers import all_providers
from labgen.providers.image_maker import ImageMaker
from labgen.reading import read_json
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
    return _record_path(cache, spec.name).is_file() and spec.maker.exists(spec.name)


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
        return str(read_json(_record_path(cache, spec.name))["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def list_images(cache: Path) -> list[ImageRecord]:
    """Every image that labgen built here, by name."""
    records = []
    for path in sorted((cache / "images").glob("*.json")):
        try:
            data = read_json(path)
            packages = tuple(Package.model_validate(package) for package in data.get("packages", ()))
            components = tuple(data["components"])
            records.append(ImageRecord(**{**data, "components": components, "packages": packages}))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a record that cannot be read is no record: the image is built again when it is needed
    makers = _makers()
    return [record for record in records if (maker := makers.get(record.provider)) and maker.exists(record.name)]


def remove_image(record: ImageRecord, cache: Path) -> None:
    """Remove an image and its record; one that is already gone is fine."""
    if maker := _makers().get(record.provider):
        maker.remove(record.name)
    _record_path(cache, record.name).unlink(missing_ok=True)


def _record_path(cache: Path, name: str) -> Path:
    return cache / "images" / f"{name.removeprefix('labgen/').replace(':', '-')}.json"


def _makers() -> dict[str, ImageMaker]:
    """Provider → what makes its images, of those that are installed now."""
    return {provider.name: provider.images for provider in all_providers() if provider.images is not None}
