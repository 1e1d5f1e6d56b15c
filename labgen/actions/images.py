"""The images of a lab: their names, building them, who uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event
from typing import Any

from labgen.actions.open import Wish, existing_lab, lab_of
from labgen.artefacts import ArtefactStore
from labgen.errors import LabgenError
from labgen.host.capacity import check_disk
from labgen.images import ImageSpec, ensure_image, have_image, list_images, remove_image
from labgen.lab.model import Lab
from labgen.resources import resource
from labgen.state import all_labs, cache_folder

AT_ONCE = 2
Progress = Callable[[str], None]


def image_specs(lab: Lab, *, baked: bool) -> dict[str, ImageSpec]:
    """Node → the image it boots from; empty for a vendor's box, which Vagrant fetches itself."""
    if lab.box is not None or lab.provider == "virtualbox":
        return {}
    scripts = resource("scripts")
    return {
        node.name: ImageSpec(
            os=lab.os,
            provider=lab.provider,
            components=tuple(lab.components[name] for name in node.components) if baked else (),
            lib=scripts / "lib",
            scripts=scripts / "image",
        )
        for node in lab.nodes
    }


def build_missing(
    specs: Iterable[ImageSpec], artefacts: Mapping[str, Path], cache: Path, logs: Path, progress: Progress
) -> list[str]:
    """Build those images that are not there, two at a time; returns the names of all, each once."""
    by_name = {spec.name: spec for spec in specs}
    missing = [spec for spec in by_name.values() if not have_image(spec, cache)]
    if missing:
        check_disk(cache, images=len(missing), nodes=0)
        stop = Event()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            builds = [
                pool.submit(ensure_image, spec, artefacts, cache, logs / f"{spec.digest[:12]}.log", progress, stop)
                for spec in missing
            ]
            try:
                for build in as_completed(builds):
                    build.result()
            except BaseException:
                # One failed, or Ctrl-C: the others are not waited for.
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    return sorted(by_name)


def build_images(wish: Wish, progress: Progress) -> list[str]:
    """`labgen image build`: the images of a lab that need not exist yet; returns their names."""
    lab = lab_of(wish).lab
    cache = cache_folder()
    artefacts = ArtefactStore(cache / "artefacts").ensure_all(lab.components.values(), progress)
    return build_missing(image_specs(lab, baked=True).values(), artefacts, cache, cache / "logs", progress)


def image_lines() -> list[dict[str, Any]]:
    """Every image with its size in MiB and the labs that use it."""
    users = _users()
    return [
        {
            "name": image.name,
            "provider": image.provider,
            "mib": image.size >> 20,
            "made": image.made,
            "labs": sorted(users.get(image.name, ())),
        }
        for image in list_images(cache_folder())
    ]


def unused_images() -> list[str]:
    """Names of the images that no lab uses."""
    return [line["name"] for line in image_lines() if not line["labs"]]


def prune(names: Iterable[str]) -> None:
    """Remove these images."""
    wanted = set(names)
    for image in list_images(cache_folder()):
        if image.name in wanted:
            remove_image(image, cache_folder())


def _users() -> dict[str, set[str]]:
    """Image → the labs that boot from it."""
    users: dict[str, set[str]] = {}
    for folder in all_labs():
        try:
            opened = existing_lab(folder.name)
        except LabgenError:
            continue  # a damaged lab uses nothing that can be named
        for spec in image_specs(opened.lab, baked=opened.record.baked).values():
            users.setdefault(spec.name, set()).add(folder.name)
    return users
