"""The lock file: what is written is read, and what is not as it should be is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labgen.errors import LockError
from labgen.lock.model import Lock, LockedArtefact, LockedLab, LockedPackage, SystemLock, read_lock, write_lock

LAB = LockedLab(blueprint="small", profile="modern", provider="docker", os="debian-13")
CONSUL = LockedArtefact(name="consul", version="1.8.7", identity="0123456789ab", sha256="a" * 64)


def package(name: str, version: str = "1:2.0~rc1+b-1", *, base: bool = False) -> LockedPackage:
    return LockedPackage(name=name, version=version, architecture="amd64", size=7, sha256="b" * 64, base=base)


LOCK = Lock(
    labs=(LAB,),
    systems={"debian-13": SystemLock(packages=(package("alpha"), package("libc6", base=True)))},
    artefacts=(CONSUL,),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labgen.lock"
    write_lock(LOCK, path)
    assert read_lock(path) == LOCK
    (line,) = [line for line in path.read_text().splitlines() if "alpha" in line]
    assert json.loads(line.rstrip(",")) == package("alpha").model_dump()


def test_digests_follow_the_packages() -> None:
    system = LOCK.systems["debian-13"]
    newer = SystemLock(packages=(package("alpha", "3"), package("libc6", base=True)))
    assert newer.digest != system.digest
    assert newer.base_digest == system.base_digest
    assert SystemLock(packages=system.packages[::-1]).digest == system.digest
    assert [p.name for p in system.base] == ["libc6"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[:200], "it is not JSON"),
        (lambda _: "", "it is not JSON"),
        (lambda _: "[]", "must be"),
        (lambda text: text.replace('"sha256": "' + "b" * 64, '"sha256": "' + "B" * 64), "SHA-256 checksum"),
        (lambda text: text.replace('"name": "alpha"', '"name": "../alpha"'), "packages[0].name"),
        (lambda text: text.replace('"debian-13": {', '"debian-99": {'), "debian-99"),
        (lambda text: text.replace('"version": "1:2.0~rc1+b-1"', '"version": "1/2"'), "version"),
        (lambda text: text.replace('"size": 7', '"size": "7"'), "must be a whole number"),
        (lambda text: text.replace('"labs"', '"labz"'), "did you mean 'labs'?"),
    ],
)
def test_a_damaged_one_is_refused(tmp_path: Path, change: object, told: str) -> None:
    path = tmp_path / "labgen.lock"
    write_lock(LOCK, path)
    path.write_text(change(path.read_text()))  # type: ignore[operator]
    with pytest.raises(LockError) as caught:
        read_lock(path)
    assert caught.value.what == "the lock file is damaged"
    assert told in " ".join(caught.value.detail)
    assert caught.value.where == str(path)
    assert caught.value.cure


def test_one_of_a_newer_labgen_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labgen.lock"
    path.write_text(json.dumps({"format": 2, "whatever": True}))
    with pytest.raises(LockError, match="format 2; this labgen knows 1"):
        read_lock(path)


def test_a_lock_is_for_what_it_was_made_for() -> None:
    LOCK.refuse_other(LAB, {"consul": ("1.8.7", "0123456789ab")}, "here")
    for lab, told in (
        (LAB.model_copy(update={"os": "debian-11"}), "for debian-13, not for debian-11"),
        (LAB.model_copy(update={"blueprint": "other"}), r"not for other \(modern, debian-13\) on docker"),
        (LAB.model_copy(update={"provider": "libvirt"}), "on libvirt"),
    ):
        with pytest.raises(LockError, match=told):
            LOCK.refuse_other(lab, {}, "here")
    with pytest.raises(LockError, match=r"not for consul 1\.9\.0") as caught:
        LOCK.refuse_other(LAB, {"consul": ("1.9.0", "ba9876543210")}, "here")
    assert caught.value.detail == ("it has consul 1.8.7",)
