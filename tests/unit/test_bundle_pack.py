"""Bundles: what comes out again, what never gets in, and files that somebody made with ill intent."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import zstandard

from labgen.bundle import pack as packing
from labgen.bundle.model import BUNDLE, CONTENTS, RECORD, is_place
from labgen.bundle.pack import check, pack, peek, take_in
from labgen.errors import LabgenError, LockError
from labgen.redact import Redactor

SECRET = "k3vQ9aLmZ0tRw7YbX2cD5eFg"
REDACTOR = Redactor({"patroni": {"superuser_password": SECRET}}, unknown=True)
TEXTS = {
    RECORD: '{"name": "small"}\n',
    "blueprint.yml": "name: small\n",
    "issue.md": f"### What happened?\n\n{SECRET}\n",
    "nodes/node1/journal.log": f"LOG:  {SECRET}\nLOG:  password=hunter2\n",
    "nodes/node1/files/var/log/x.log": "bytes \udcff\udc80\n",
}
ABOUT: dict[str, Any] = {
    "made": "2026-11-25T12:00:00+00:00",
    "lab": {
        "name": "small",
        "blueprint": "small",
        "title": "A small one",
        "profile": "modern",
        "provider": "docker",
        "os": "debian-13",
        "network": "10.1.0.0/24",
        "nodes": {"node1": ["patroni"]},
        "versions": {"patroni": "4.0.7"},
    },
    "silent": {},
    "notes": [f"it said {SECRET}"],
}


def silent(_: str) -> None: ...


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    pack(tmp_path / "small.tar.zst", TEXTS, ABOUT, REDACTOR, silent)
    return tmp_path / "small.tar.zst"


def plain(path: Path) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()


def test_what_was_packed_comes_out_without_its_secrets(bundle: Path, tmp_path: Path) -> None:
    assert bundle.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["small.tar.zst"]
    about = take_in(bundle, tmp_path / "in", silent)
    taken_out = {one.secret: one.times for one in about.replaced}
    assert taken_out == {"other password": 1, "patroni.superuser_password": 2}
    assert about.notes == ("it said ‹secret patroni.superuser_password›",)
    assert about.members.keys() == TEXTS.keys()
    assert about == peek(bundle) == check(bundle)
    read = {path: (tmp_path / "in" / path).read_bytes().decode("utf-8", "surrogateescape") for path in TEXTS}
    assert read["nodes/node1/journal.log"] == "LOG:  ‹secret patroni.superuser_password›\nLOG:  password=‹password›\n"
    assert read["nodes/node1/files/var/log/x.log"] == TEXTS["nodes/node1/files/var/log/x.log"]
    assert SECRET.encode() not in plain(bundle)


def test_it_tells_nothing_about_where_it_was_made(bundle: Path, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(plain(bundle))) as tar:
        members = tar.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime, m.mode) for m in members} == {(0, 0, "", "", 0, 0o644)}
    assert str(tmp_path).encode() not in plain(bundle)


def test_what_was_said_is_said_back(tmp_path: Path) -> None:
    done = pack(tmp_path / "small.tar.zst", TEXTS, ABOUT, REDACTOR, silent)
    assert done.size == (tmp_path / "small.tar.zst").stat().st_size
    assert done.issue == "### What happened?\n\n‹secret patroni.superuser_password›\n"
    assert done.changed == ("issue.md", "nodes/node1/journal.log")


def test_what_a_lab_is_made_from_is_redacted_too_and_that_is_told(tmp_path: Path) -> None:
    texts = {**TEXTS, "overrides/1/mine.yml": "password: hunter2\n", "components/0/x/start.sh": "true\n"}
    about = pack(tmp_path / "small.tar.zst", texts, ABOUT, REDACTOR, silent).about
    assert [note for note in about.notes if "taken out" in note] == [f"overrides/1/mine.yml: {packing.CHANGED}"]


def test_one_that_still_holds_a_secret_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing.Redactor, "replaced", lambda _, text: (text, {}))
    with pytest.raises(LabgenError) as caught:
        pack(tmp_path / "small.tar.zst", TEXTS, ABOUT, REDACTOR, silent)
    assert caught.value.what == "the bundle is not written: secrets were still in it"
    assert caught.value.detail == (
        "bundle.json: patroni.superuser_password",
        "issue.md: patroni.superuser_password",
        "nodes/node1/journal.log: other password, patroni.superuser_password",
    )
    assert not list(tmp_path.iterdir())


def test_an_older_one_of_that_name_stays_when_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "small.tar.zst").mkdir()
    with pytest.raises(LabgenError, match="cannot be written"):
        pack(tmp_path / "small.tar.zst", TEXTS, ABOUT, REDACTOR, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["small.tar.zst"]


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("lab.json", True),
        ("nodes/node1/files/var/log/x.log", True),
        ("rendered/nodes/a/b/files/root/.pgpass", True),
        ("overrides/0/cb.sh", True),
        ("", False),
        ("nodes", False),
        ("nodes/", False),
        ("nodes//x", False),
        ("nodes/../x", False),
        ("nodes/./x", False),
        ("nodes/x/..", False),
        ("/nodes/x", False),
        ("../lab.json", False),
        ("keys/lab_ed25519", False),
        ("secrets.json", False),
        ("nodes/a b", False),
        ("nodes/a\nb", False),
        ("nodes/" + "a" * 101, False),
        ("nodes/" + "/".join(["a"] * 21), False),
        ("nodes/" + "/".join(["a" * 60] * 4), False),
        ("nodes/\u202ex", False),
    ],
)
def test_where_a_member_may_lie(name: str, fits: bool) -> None:
    assert is_place(name) is fits


# --- made by hand

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"x") -> Member:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    return entry, content


def listed(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


RECORDED = member(RECORD, b"{}")


def compressed(target: Path, data: bytes) -> Path:
    target.write_bytes(zstandard.ZstdCompressor().compress(data))
    return target


def tarred(*members: Member, format_: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format_) as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def made(tmp_path: Path, members: list[Member], about: Mapping[str, Any] | None = None, **change: Any) -> Path:
    """A bundle of MEMBERS, which lists ABOUT; CHANGE of what it says about itself."""
    listing = {entry.name: listed(content) for entry, content in members} if about is None else dict(about)
    head = {"format": 1, "labgen": "0.1.0", **ABOUT, "members": listing, **change}
    return compressed(tmp_path / "small.tar.zst", tarred(member(CONTENTS, json.dumps(head).encode()), *members))


def refused(path: Path, tmp_path: Path) -> str:
    """Why PATH is refused, by each of those who read it."""
    with pytest.raises(LockError) as caught:
        take_in(path, tmp_path / "in", silent)
    with pytest.raises(LockError) as again:
        check(path)
    assert str(again.value) == str(caught.value)
    assert caught.value.cure
    assert caught.value.where == str(path)
    assert not (tmp_path / "outside").exists()
    return " ".join([caught.value.what, *caught.value.detail])


def test_by_hand_a_sound_one_is_sound(tmp_path: Path) -> None:
    path = made(tmp_path, [RECORDED, member("nodes/a/x")])
    assert take_in(path, tmp_path / "in", silent).members.keys() == {RECORD, "nodes/a/x"}


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "nodes/../../outside", "keys/x", "nodes/a\nb", "x"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    told = refused(made(tmp_path, [RECORDED, member(name)]), tmp_path)
    assert "has no place in a bundle" in told
    assert told.isprintable()
    # Also where the contents keep silent about it.
    assert "has no place in a bundle" in refused(
        made(tmp_path, [RECORDED, member(name)], {RECORD: listed(b"{}")}), tmp_path
    )


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_links_folders_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    entry, _ = member("nodes/a/x", b"")
    entry.type, entry.linkname = kind, "/etc/passwd"
    assert "is no plain file" in refused(made(tmp_path, [RECORDED, (entry, b"")]), tmp_path)


def test_extended_headers_are_refused_before_they_are_read(tmp_path: Path) -> None:
    entry, content = member("nodes/" + "a" * 300)
    head = json.dumps({"format": 1, **ABOUT, "labgen": "x", "members": {RECORD: listed(b"{}")}}).encode()
    for format_ in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        data = tarred(member(CONTENTS, head), (entry, content), format_=format_)
        assert "is no plain file" in refused(compressed(tmp_path / "small.tar.zst", data), tmp_path)


def test_huge_members_are_refused_before_they_are_read(tmp_path: Path) -> None:
    large = {RECORD: listed(b"{}"), "nodes/a/x": {"size": 300 << 20, "sha256": "0" * 64}}
    assert "is larger than 268435456 bytes" in refused(made(tmp_path, [RECORDED], large), tmp_path)
    many = {f"nodes/a/{number}": {"size": 200 << 20, "sha256": "0" * 64} for number in range(6)}
    assert "have more than 1073741824 bytes" in refused(
        made(tmp_path, [RECORDED], {RECORD: listed(b"{}"), **many}), tmp_path
    )


@pytest.mark.parametrize("size", ["-1", "1e999", "Infinity", "NaN", "2.0", "true", '"2"', "null", "[]"])
def test_a_size_that_is_none_is_refused(tmp_path: Path, size: str) -> None:
    head = json.dumps({"format": 1, "labgen": "0.1.0", **ABOUT, "members": {RECORD: {"size": "?", "sha256": "0"}}})
    data = tarred(member(CONTENTS, head.replace('"?"', size).encode()), RECORDED)
    assert "bundle.json is damaged" in refused(compressed(tmp_path / "small.tar.zst", data), tmp_path)


@pytest.mark.parametrize("size", [-512, BUNDLE.largest + 1])
def test_a_header_s_size_is_bounded_too(tmp_path: Path, size: int) -> None:
    contents = json.dumps({"format": 1, "labgen": "0.1.0", **ABOUT, "members": {RECORD: listed(b"{}")}}).encode()
    header = tarfile.TarInfo(RECORD)
    header.size = size
    data = tarred(member(CONTENTS, contents))[: 512 + len(contents) + -len(contents) % 512]
    data += header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    told = refused(compressed(tmp_path / "small.tar.zst", data), tmp_path)
    assert "'lab.json' is larger than 268435456 bytes" in told


def test_more_members_than_anybody_bundles_are_refused(tmp_path: Path) -> None:
    many = {f"nodes/a/{number}": {"size": 0, "sha256": ""} for number in range(BUNDLE.count)}
    told = refused(made(tmp_path, [RECORDED], {RECORD: listed(b"{}"), **many}), tmp_path)
    assert "has more than 20000 members" in told
    assert not (tmp_path / "in").exists()


def test_contents_that_nest_without_end_are_refused(tmp_path: Path) -> None:
    data = tarred(member(CONTENTS, b"[" * 100_000), RECORDED)
    assert "bundle.json is damaged" in refused(compressed(tmp_path / "small.tar.zst", data), tmp_path)


def test_more_than_was_said_is_refused(tmp_path: Path) -> None:
    path = made(
        tmp_path, [RECORDED, member("nodes/a/x", b"y" * 5000)], {RECORD: listed(b"{}"), "nodes/a/x": listed(b"y")}
    )
    assert "'nodes/a/x' is damaged" in refused(path, tmp_path)
    assert not (tmp_path / "in" / "nodes" / "a" / "x").exists()


def test_a_window_that_takes_all_memory_is_refused(tmp_path: Path) -> None:
    # A frame may ask for a window far larger than all that it holds.
    settings = zstandard.ZstdCompressionParameters.from_level(1, window_log=30, enable_ldm=True)
    data = zstandard.ZstdCompressor(compression_params=settings).compressobj().compress(b"x")
    frame = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    data = frame.compress(b"x") + frame.flush()
    (tmp_path / "small.tar.zst").write_bytes(data)
    assert "it is no bundle, or damaged" in refused(tmp_path / "small.tar.zst", tmp_path)


def test_what_is_not_listed_or_comes_twice_or_lacks_is_refused(tmp_path: Path) -> None:
    extra = member("nodes/a/x")
    assert "'nodes/a/x' is not in bundle.json" in refused(
        made(tmp_path, [RECORDED, extra], {RECORD: listed(b"{}")}), tmp_path
    )
    both = {RECORD: listed(b"{}"), "nodes/a/x": listed(b"x")}
    again = tmp_path / "again"
    again.mkdir()
    assert "stands there twice" in refused(made(again, [RECORDED, extra, extra], both), again)
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    assert "'nodes/a/x' is missing" in refused(made(lacking, [RECORDED], both), lacking)


def test_a_flipped_byte_anywhere_is_noticed(bundle: Path) -> None:
    whole = bundle.read_bytes()
    for place in range(0, len(whole), max(len(whole) // 40, 1)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        bundle.write_bytes(damaged)
        with pytest.raises(LockError):
            check(bundle)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.99])
def test_a_truncated_one_is_refused(bundle: Path, tmp_path: Path, share: float) -> None:
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[: int(len(whole) * share)])
    refused(bundle, tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "the bundle has the format 2; this labgen knows 1"),
        ({"format": "1"}, "bundle.json is damaged"),
        ({"lab": {}}, "bundle.json: lab: 'name' is missing"),
        ({"made": 7}, "bundle.json: made: must be a string, not 7"),
    ],
)
def test_faulty_contents(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    assert told in refused(made(tmp_path, [RECORDED], **change), tmp_path)


def test_contents_without_the_record_or_without_members(tmp_path: Path) -> None:
    assert "bundle.json names no lab.json" in refused(made(tmp_path, [RECORDED], {}), tmp_path)
    data = tarred(member(CONTENTS, json.dumps({"format": 1, **ABOUT, "labgen": "x", "members": []}).encode()))
    assert "bundle.json is damaged" in refused(compressed(tmp_path / "small.tar.zst", data), tmp_path)


def test_keys_that_a_later_labgen_added_are_let_be(tmp_path: Path) -> None:
    assert check(made(tmp_path, [RECORDED], weather="fine")).lab.name == "small"


def test_another_file_is_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "small.tar.zst"
    assert "cannot be read: no such file" in refused(path, tmp_path)
    path.write_text("hello")
    assert "it is no bundle, or damaged" in refused(path, tmp_path)
    assert "does not begin with bundle.json" in refused(compressed(path, tarred(member("holiday.jpg"))), tmp_path)
    assert "it ends early" in refused(compressed(path, b"x" * 600), tmp_path)
