"""Every message about locks, archives and what is missing without a network, to the letter."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.artefacts import ArtefactStore
from labgen.artefacts.store import identity, sha256
from labgen.components.manifest import Artefact
from labgen.errors import LabgenError
from labgen.images.trees import require
from labgen.lock.archive import opened
from labgen.lock.mirror import fetch_packages
from labgen.lock.model import Lock, LockedArtefact, LockedLab, LockedPackage, SystemLock, read_lock
from labgen.lock.packages import Package
from labgen.lock.pool import Pool
from tests.unit.debs import OS, make_deb, mirror_of, pool_of

Golden = Callable[[Path, str], None]
Readable = Callable[[str], None]

HERE = Path(__file__).parent
LAB = LockedLab(blueprint="small", profile="modern", provider="docker", os=OS)
CONSUL = Artefact.model_validate(
    {"version": "1.8.7", "sources": [{"kind": "url", "url": "https://example.invalid/consul", "sha256": "0" * 64}]},
    strict=False,
)
ALPHA = Package(name="alpha", version="1.0", architecture="all", size=5, sha256="0" * 64)
LOCK = Lock(
    labs=(LAB,),
    systems={OS: SystemLock(packages=(LockedPackage(**ALPHA.model_dump()),))},
    artefacts=(LockedArtefact(name="consul", version="1.8.7", identity=identity(CONSUL), sha256="a" * 64),),
)


def silent(_: str) -> None: ...


def tar_with(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def listing(**members: int) -> tuple[str, bytes]:
    about = {"labgen.lock": {"size": 1, "sha256": "0" * 64}}
    about |= {name: {"size": size, "sha256": "0" * 64} for name, size in members.items()}
    return "labgen-archive.json", json.dumps({"format": 1, "members": about}).encode()


def take(path: Path) -> None:
    with opened(path, Path("cache")):
        pass


def damaged_lock() -> None:
    Path("labgen.lock").write_text('{"format": 1, "labs": [], "systems": {"debian-13": {"packages": []}}, "extra": 1}')
    read_lock(Path("labgen.lock"))


def newer_lock() -> None:
    Path("labgen.lock").write_text('{"format": 7}')
    read_lock(Path("labgen.lock"))


def no_json() -> None:
    Path("labgen.lock").write_text('{"format": 1,')
    read_lock(Path("labgen.lock"))


def other(**change: str) -> Callable[[], None]:
    return lambda: LOCK.refuse_other(LAB.model_copy(update=change), {}, "labgen.lock")


def unsatisfied() -> None:
    sources = mirror_of(Path.cwd(), make_deb(Path.cwd(), "alpha", "2.0"))
    fetch_packages([ALPHA], Pool(Path("cache"), OS), sources=sources)


def several_unsatisfied() -> None:
    sources = mirror_of(Path.cwd(), make_deb(Path.cwd(), "alpha", "2.0"))
    gone = ALPHA.model_copy(update={"name": "gone"})
    fetch_packages([ALPHA, gone], Pool(Path("cache"), OS), sources=sources)


def missing_packages() -> None:
    pool, (beta,) = pool_of(Path("cache"), make_deb(Path.cwd(), "beta", "2"))
    pool.path(beta).write_bytes(b"")
    require([ALPHA, beta], pool, silent, offline=True)


def locked_otherwise() -> None:
    store = ArtefactStore(Path("cache/artefacts"), checksums={("consul", identity(CONSUL)): "a" * 64})
    home = store.home("consul", CONSUL)
    home.mkdir(parents=True)
    (home / "consul").write_text("built here")
    (home / "record.json").write_text(json.dumps({"sha256": sha256(home / "consul")}))
    store.ensure("consul", CONSUL)


def missing_artefact() -> None:
    ArtefactStore(Path("cache/artefacts"), offline=True).ensure("consul", CONSUL)


CASES: dict[str, Callable[[], object]] = {
    "archive-damaged": lambda: take(tar_with(Path("class.tar"), listing(), ("labgen.lock", b"x"))),
    "archive-elsewhere": lambda: take(tar_with(Path("class.tar"), listing(), ("../../etc/passwd", b"x"))),
    "archive-missing": lambda: take(Path("class.tar")),
    "archive-newer": lambda: take(tar_with(Path("class.tar"), ("labgen-archive.json", b'{"format": 2}'))),
    "archive-other": lambda: take(tar_with(Path("class.tar"), ("holiday.jpg", b"x"))),
    "archive-short": lambda: take(tar_with(Path("class.tar"), listing())),
    "artefact-missing": missing_artefact,
    "artefact-otherwise": locked_otherwise,
    "lock-damaged": damaged_lock,
    "lock-missing": lambda: read_lock(Path("labgen.lock")),
    "lock-newer": newer_lock,
    "lock-no-json": no_json,
    "lock-other-artefact": lambda: LOCK.refuse_other(LAB, {"consul": ("1.9.0", "b" * 12)}, "labgen.lock"),
    "lock-other-blueprint": other(blueprint="large"),
    "lock-other-os": other(os="debian-11"),
    "packages-missing": missing_packages,
    "packages-unsatisfied": unsatisfied,
    "packages-unsatisfied-several": several_unsatisfied,
}


@pytest.mark.parametrize("case", CASES)
def test_message(
    case: str, golden: Golden, readable: Readable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LabgenError) as caught:
        CASES[case]()
    text = "".join(f"{line}\n" for line in caught.value.lines())
    golden(HERE / "lock" / f"{case}.txt", text)
    readable(text)
