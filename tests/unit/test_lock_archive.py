"""Archives for machines without a network: whole ones, damaged ones, and those that somebody made with ill intent."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.archives import BLOCK
from labgen.errors import LockError
from labgen.lock.archive import CONTENTS, GROWTH, LOCK, opened, pack
from labgen.lock.model import Lock, LockedLab, LockedPackage, SystemLock, lock_bytes

OS = "debian-13"
PACKAGE = LockedPackage(name="alpha", version="1", architecture="all", size=5, sha256="0" * 64)
MADE = Lock(
    labs=(LockedLab(blueprint="small", profile="modern", provider="docker", os=OS),),
    systems={OS: SystemLock(packages=(PACKAGE,))},
)
FILES = {
    "packages/debian-13/alpha_1_all.deb": b"the package",
    "artefacts/consul-1.8.7-0123456789ab/consul": b"the program" * 1000,
    "artefacts/consul-1.8.7-0123456789ab/record.json": b"{}",
    "trees/base-debian-13-0123456789ab.tar": b"the tree" * 10000,
    "trees/base-debian-13-0123456789ab.json": b"{}",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    files = {}
    for name, content in FILES.items():
        files[name] = tmp_path / "home" / name
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_bytes(content)
    target = tmp_path / "class.tar"
    pack(target, MADE, files, lambda _: None)
    return target


def taken(archive: Path, cache: Path) -> tuple[Lock, dict[str, bytes]]:
    with opened(archive, cache) as (lock, folder):
        return lock, {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive: Path, cache: Path) -> str:
    """Why ARCHIVE is refused; nothing of it may be left."""
    with pytest.raises(LockError) as caught:
        taken(archive, cache)
    assert caught.value.cure
    assert caught.value.where == str(archive)
    assert not list(cache.iterdir())
    return " ".join([caught.value.what, *caught.value.detail])


def made_by_hand(target: Path, members: list[tuple[tarfile.TarInfo, bytes]], about: dict[str, bytes]) -> Path:
    """An archive with MEMBERS whose contents list ABOUT (member → bytes)."""
    listed = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in about.items()
    }
    contents = json.dumps({"format": 1, "members": listed}).encode()
    with tarfile.open(target, "w") as tar:
        for entry, content in [(plain(CONTENTS, contents)), *members]:
            tar.addfile(entry, io.BytesIO(content))
    return target


def plain(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    return entry, content


def test_what_was_packed_comes_out(archive: Path, tmp_path: Path) -> None:
    lock, files = taken(archive, tmp_path / "cache")
    assert lock == MADE
    assert files == FILES
    assert not list((tmp_path / "cache").iterdir())


def test_it_tells_nothing_about_where_it_was_made(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", 0)}
    assert str(tmp_path).encode() not in archive.read_bytes()


def test_the_same_gives_the_same(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar"
    pack(again, MADE, {name: tmp_path / "home" / name for name in FILES}, lambda _: None)
    assert again.read_bytes() == archive.read_bytes()


def test_a_flipped_byte_anywhere_is_noticed(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    with tarfile.open(archive) as tar:
        places = {member.name: member.offset_data + member.size // 2 for member in tar.getmembers()}
    for name, place in places.items():
        damaged = bytearray(whole)
        damaged[place] ^= 0x20
        archive.write_bytes(damaged)
        told = refused(archive, tmp_path / "cache")
        assert name == CONTENTS or name in told


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.999])
def test_a_truncated_one_is_refused(archive: Path, tmp_path: Path, share: float) -> None:
    with tarfile.open(archive) as tar:
        last = tar.getmembers()[-1]
    # What comes after the last member is padding, which nobody misses.
    whole = archive.read_bytes()[: last.offset_data + last.size]
    archive.write_bytes(whole[: int(len(whole) * share)])
    refused(archive, tmp_path / "cache")


def test_one_that_ends_between_two_members_is_refused(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as tar:
        last = tar.getmembers()[-1]
    archive.write_bytes(archive.read_bytes()[: last.offset])
    assert f"'{last.name}' is missing" in refused(archive, tmp_path / "cache")


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/outside",
        "packages/../../outside",
        "packages/debian-13/../../../outside",
        "artefacts/x/..",
        "artefacts/.hidden/x",
        "trees/a/b",
        "logs/outside",
        "packages/debian-13/a\nb",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    lock = lock_bytes(MADE)
    members = [plain(LOCK, lock), plain(name, b"x")]
    archive = made_by_hand(tmp_path / "class.tar", members, {LOCK: lock, name: b"x"})
    told = refused(archive, tmp_path / "cache")
    assert "has no place in the cache" in told
    assert told.isprintable()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_only_plain_files_are_let_in(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("packages/debian-13/alpha_1_all.deb")
    entry.type, entry.linkname = kind, "/etc/passwd"
    lock = lock_bytes(MADE)
    archive = made_by_hand(tmp_path / "class.tar", [plain(LOCK, lock), (entry, b"")], {LOCK: lock, entry.name: b""})
    assert "is no plain file" in refused(archive, tmp_path / "cache")


def test_what_is_not_listed_or_comes_twice_is_refused(tmp_path: Path) -> None:
    lock, cache = lock_bytes(MADE), tmp_path / "cache"
    extra = plain("trees/extra.json", b"{}")
    archive = made_by_hand(tmp_path / "class.tar", [plain(LOCK, lock), extra], {LOCK: lock})
    assert "'trees/extra.json' is not in labgen-archive.json" in refused(archive, cache)
    archive = made_by_hand(
        tmp_path / "class.tar", [plain(LOCK, lock), extra, extra], {LOCK: lock, extra[0].name: b"{}"}
    )
    assert "stands there twice" in refused(archive, cache)


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (b"{", "labgen-archive.json is damaged"),
        (b"[]", "labgen-archive.json is damaged"),
        (b'{"format": 1, "members": {}}', "names no labgen.lock"),
        (b'{"format": 2, "members": {}}', "the archive has the format 2; this labgen knows 1"),
    ],
)
def test_faulty_contents(tmp_path: Path, contents: bytes, told: str) -> None:
    with tarfile.open(tmp_path / "class.tar", "w") as tar:
        entry, content = plain(CONTENTS, contents)
        tar.addfile(entry, io.BytesIO(content))
    assert told in refused(tmp_path / "class.tar", tmp_path / "cache")


def test_another_tar_file_is_no_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "class.tar", "w") as tar:
        entry, content = plain("holiday.jpg", b"x")
        tar.addfile(entry, io.BytesIO(content))
    assert "does not begin with labgen-archive.json" in refused(tmp_path / "class.tar", tmp_path / "cache")


def test_a_faulty_compressed_member_is_refused(tmp_path: Path) -> None:
    lock, name = lock_bytes(MADE), "trees/base.tar.gz"
    half = gzip.compress(b"the tree" * 1000)[:-10]
    members = [plain(LOCK, lock), plain(name, half)]
    archive = made_by_hand(tmp_path / "class.tar", members, {LOCK: lock, name: half})
    assert "base.tar.gz" in refused(archive, tmp_path / "cache")


def test_a_member_that_grows_without_end_is_refused(tmp_path: Path) -> None:
    lock, name = lock_bytes(MADE), "trees/base.tar.gz"
    packed = gzip.compress(bytes(2 * BLOCK))  # to a thousandth
    assert len(packed) * GROWTH < BLOCK
    members = [plain(LOCK, lock), plain(name, packed)]
    archive = made_by_hand(tmp_path / "class.tar", members, {LOCK: lock, name: packed})
    assert "'base.tar.gz' grows to more than 50 times its size" in refused(archive, tmp_path / "cache")


def test_a_missing_one(tmp_path: Path) -> None:
    assert "cannot be read: no such file" in refused(tmp_path / "class.tar", tmp_path / "cache")


def test_what_a_killed_one_left_goes(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "cache/.taking-in-abc/packages").mkdir(parents=True)
    taken(archive, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "class.tar").mkdir()
    with pytest.raises(LockError, match="cannot be written"):
        pack(tmp_path / "class.tar", MADE, {}, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["class.tar"]


def write_other(change: Callable[[bytes], bytes]) -> bytes:
    return change(lock_bytes(MADE))


def test_its_lock_is_looked_at_like_any_other(tmp_path: Path) -> None:
    lock = write_other(lambda text: text.replace(b'"debian-13": {', b'"../../etc": {'))
    archive = made_by_hand(tmp_path / "class.tar", [plain(LOCK, lock)], {LOCK: lock})
    with pytest.raises(LockError, match="damaged"):
        taken(archive, tmp_path / "cache")
