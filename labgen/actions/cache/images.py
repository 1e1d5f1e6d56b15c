"""The images of a lab: their names, building them, and what they need from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

from labgen.actions.session.open import LabRequest, lab_of
from labgen.artefacts import ArtefactStore
from labgen.errors import ArtefactError, UsageError
from labgen.host.capacity import check_disk
from labgen.images import ImageSpec, Trees, ensure_image, ensure_tree, have_image
from labgen.images.machines import image_specs
from labgen.lab.model import Lab
from labgen.providers import get_provider, have_box, who_makes_images
from labgen.state import cache_folder

AT_ONCE = 2
Progress = Callable[[str], None]


def artefact_store(lab: Lab, cache: Path, *, offline: bool = False) -> ArtefactStore:
    """The cache's artefacts, as the lab's lock wants them if it has one."""
    locked = lab.lock.artefacts if lab.lock else ()
    checksums = {(artefact.name, artefact.identity): artefact.sha256 for artefact in locked}
    return ArtefactStore(cache / "artefacts", offline=offline, checksums=checksums)


def refuse_network(lab: Lab, *, baked: bool, new: bool) -> None:
    """Raise an error if the lab cannot come up without a network; new: some of its machines have to be made."""
    if not new:
        return
    if not baked or lab.box is not None or get_provider(lab.provider).images is None:
        if lab.box is not None and not have_box(lab.box, lab.provider):
            raise ArtefactError(
                f"the box {lab.box} is not on this machine, and --offline fetches nothing",
                cure=f"fetch it where there is a network: vagrant box add {lab.box} --provider {lab.provider}",
            )
        raise UsageError(
            "install steps that run in the guests fetch packages, and --offline lets nothing be fetched",
            where="--offline",
            cure=f"use images that labgen builds: --provider {who_makes_images()}, without --no-bake and --set box=…",
        )


def build_missing(
    specs: Iterable[ImageSpec],
    artefacts: Mapping[str, Path],
    cache: Path,
    logs: Path,
    progress: Progress,
    *,
    offline: bool = False,
    trees_only: bool = False,
) -> list[str]:
    """Build those images that are not there, two at a time; returns the names of all, each once.

    offline: without a network. trees_only: not the images that are but their trees in another form, only the trees.
    """
    by_name = {spec.name: spec for spec in specs}
    trees = Trees(cache)

    def tree_will_do(spec: ImageSpec) -> bool:
        return trees_only and not spec.maker.adds_packages

    def is_missing(spec: ImageSpec) -> bool:
        if trees_only and trees.tree(spec) is None:
            return True
        return not tree_will_do(spec) and not have_image(spec, cache)

    def build(spec: ImageSpec, stop: Event) -> None:
        log = logs / f"{spec.digest[:12]}.log"
        if trees_only:
            ensure_tree(spec, artefacts, cache, log, progress, stop)
        if not tree_will_do(spec):
            ensure_image(spec, artefacts, cache, log, progress, stop, offline=offline)

    missing = [spec for spec in by_name.values() if is_missing(spec)]
    if missing:
        check_disk(cache, images=len(missing), nodes=0)
        stop = Event()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            builds = [pool.submit(build, spec, stop) for spec in missing]
            try:
                for done in as_completed(builds):
                    done.result()
            except BaseException:
                # One failed, or Ctrl-C: the others are not waited for.
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise
    return sorted(by_name)


def build_images(request: LabRequest, progress: Progress) -> list[str]:
    """`labgen image build`: the images of a lab that need not exist yet; returns their names."""
    lab = lab_of(request).lab
    cache = cache_folder()
    artefacts = artefact_store(lab, cache).ensure_all(lab.components.values(), progress)
    return build_missing(image_specs(lab, baked=True).values(), artefacts, cache, cache / "logs", progress)
