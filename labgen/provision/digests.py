"""What a step depends on, as one number: if it changes, the step has to run again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from labgen.plan.model import Plan, StepId

_NO_ARTEFACTS: Mapping[str, Iterable[str]] = {}
_SCRIPTS = ("install", "configure", "start", "ready", "leave")


def step_digests(
    plan: Plan, rendered: Path, artefacts: Mapping[str, Iterable[str]] = _NO_ARTEFACTS
) -> dict[StepId, str]:
    """A digest for every step, over its scripts and inputs in the RENDERED folder.

    artefacts: component → names of its files in RENDERED/artefacts, which its install step uses.
    """
    return {step.id: _digest(_inputs(step.id, rendered, artefacts), rendered) for step in plan.steps}


def _inputs(step: StepId, rendered: Path, artefacts: Mapping[str, Iterable[str]]) -> Iterator[Path]:
    yield from _under(rendered / "components" / "lib")
    others = {f"{script}.sh" for script in _SCRIPTS if script != step.stage}
    for path in _under(rendered / "components" / step.component):
        # Templates and manifest only count by what was rendered from them.
        if path.name not in others and path.name != "component.yml" and path.suffix != ".j2":
            yield path
    if step.stage == "install":
        yield from (rendered / "artefacts" / name for name in artefacts.get(step.component, ()))
    else:
        yield from _under(rendered / "nodes" / step.node / step.component)


def _under(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _digest(paths: Iterable[Path], rendered: Path) -> str:
    total = sha256()
    for path in sorted(paths):
        total.update(f"{file_sha256(path)} {path.relative_to(rendered).as_posix()}\n".encode())
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """The content's SHA-256, read once as long as the file stays as it is."""
    status = path.stat()
    return _file_sha256(path, (status.st_ino, status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=4096)
def _file_sha256(path: Path, _state: tuple[int, ...]) -> str:
    total = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
