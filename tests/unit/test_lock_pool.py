"""The cache's packages, repositories made of them, and fetching exact versions: with real dpkg and apt."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from debs import OS, make_deb, mirror_of, pool_of

from labgen.artefacts.store import sha256
from labgen.errors import PackageError
from labgen.images.trees import require
from labgen.lock.mirror import fetch_packages
from labgen.lock.pool import Pool


def test_a_package_is_filed_under_what_it_says_of_itself(tmp_path: Path) -> None:
    deb = make_deb(tmp_path, "alpha", "1:2.0-1")
    checksum, size = sha256(deb), deb.stat().st_size
    pool, (package,) = pool_of(tmp_path / "cache", deb.rename(tmp_path / "whatever.deb"))
    assert (package.name, package.version, package.architecture) == ("alpha", "1:2.0-1", "all")
    assert (package.size, package.sha256) == (size, checksum)
    assert pool.path(package).name == "alpha_1%3a2.0-1_all.deb"
    assert pool.all() == [package]
    assert pool.sound(package)
    pool.remove(package)
    assert pool.all() == []
    assert not list(pool.folder.iterdir())


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "alpha_1_all.deb").write_bytes(b"no package")
    with pytest.raises(PackageError, match=r"alpha_1_all\.deb is no Debian package") as caught:
        Pool(tmp_path / "cache", OS).take(tmp_path)
    assert caught.value.cure


@pytest.mark.parametrize("damage", ["flip", "cut", "record"])
def test_a_damaged_package_is_noticed(tmp_path: Path, damage: str) -> None:
    pool, (package,) = pool_of(tmp_path / "cache", make_deb(tmp_path, "alpha", "1"))
    path = pool.path(package)
    if damage == "record":
        path.with_suffix(".json").write_text("{")
    else:
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-1])
    assert not pool.sound(package)


def apt_would_install(tmp_path: Path, repository: Path, name: str) -> str:
    """The file that apt gets for NAME from REPOSITORY alone, on a machine that has nothing."""
    for folder in ("lists/partial", "cache/archives/partial", "none"):
        (tmp_path / "apt" / folder).mkdir(parents=True)
    (tmp_path / "apt/status").touch()
    (tmp_path / "apt/sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
    options = {
        "Dir::State": tmp_path / "apt",
        "Dir::State::Lists": tmp_path / "apt/lists",
        "Dir::State::Status": tmp_path / "apt/status",
        "Dir::Cache": tmp_path / "apt/cache",
        "Dir::Etc::SourceList": tmp_path / "apt/sources.list",
        "Dir::Etc::SourceParts": tmp_path / "apt/none",
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
    }
    words = [f"--option={key}={value}" for key, value in options.items()]
    subprocess.run(["apt-get", *words, "update"], check=True, capture_output=True)
    told = subprocess.run(
        ["apt-get", *words, "install", "--simulate", name], check=True, capture_output=True, text=True
    )
    return "\n".join(line for line in told.stdout.splitlines() if line.startswith("Inst "))


def test_apt_installs_from_a_repository_what_was_put_into_it(tmp_path: Path) -> None:
    debs = [
        make_deb(tmp_path, "alpha", "1.0", depends="beta (>= 2)"),
        make_deb(tmp_path, "beta", "2.0"),
        make_deb(tmp_path, "beta", "3.0"),
    ]
    pool, (alpha, old, _) = pool_of(tmp_path / "cache", *debs)
    pool.repository([alpha, old], tmp_path / "repository", "trixie")
    told = apt_would_install(tmp_path, tmp_path / "repository", "alpha")
    assert "Inst beta (2.0" in told
    assert "Inst alpha (1.0" in told


def test_exact_versions_are_fetched(tmp_path: Path) -> None:
    debs = [make_deb(tmp_path, "alpha", "1.0"), make_deb(tmp_path, "alpha", "2.0"), make_deb(tmp_path, "beta", "1:1")]
    sources = mirror_of(tmp_path, *debs)
    old, _, beta = sorted(Pool(tmp_path / "of-the-mirror", OS).all(), key=lambda package: package.key)
    pool = Pool(tmp_path / "cache", OS)
    fetch_packages([old, beta], pool, sources=sources)
    assert pool.all() == [old, beta]
    assert pool.sound(old)
    assert {path.suffix for path in pool.folder.iterdir()} == {".deb", ".json"}


class Mirror(SimpleHTTPRequestHandler):
    """A mirror that serves the file DIES_AT by half, and then nothing more; `asked` is what it was asked for."""

    dies_at = ""
    dead = False
    port = 0
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path.rpartition("/")[2])
        if self.dead:
            return
        if self.dies_at and self.asked[-1].startswith(self.dies_at):
            type(self).dead = True
            self.send_response(200)
            self.send_header("Content-Length", "10000")
            self.end_headers()
            self.wfile.write(b"!<arch>")
            return
        super().do_GET()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[type[Mirror]]:
    """A mirror on loopback that serves what is in mirror/ below the test's folder."""
    made = type("Mirror", (Mirror,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(made, directory=str(tmp_path / "mirror")))
    made.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def test_what_has_come_of_a_mirror_that_dies_is_kept(tmp_path: Path, mirror: type[Mirror]) -> None:
    names = [f"part{number}" for number in range(6)]
    mirror_of(tmp_path, *(make_deb(tmp_path, name, "1") for name in names))
    wanted = Pool(tmp_path / "of-the-mirror", OS).all()
    sources = [f"deb [trusted=yes] http://127.0.0.1:{mirror.port} ./"]
    pool = Pool(tmp_path / "cache", OS)
    mirror.dies_at = "part3"
    with pytest.raises(PackageError, match="could not be fetched") as caught:
        fetch_packages(wanted, pool, sources=sources)
    assert caught.value.detail
    kept = {package.name for package in pool.all()}
    assert kept == {"part0", "part1", "part2"}
    assert {path.suffix for path in pool.folder.iterdir()} == {".deb", ".json"}

    mirror.dies_at, mirror.dead = "", False
    mirror.asked.clear()
    fetch_packages([package for package in wanted if not pool.sound(package)], pool, sources=sources)
    assert {package.name for package in pool.all()} == set(names)
    assert not [file for file in mirror.asked if file.startswith(tuple(kept))]


def test_what_the_mirror_has_otherwise_is_told(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    sources = mirror_of(tmp_path, make_deb(tmp_path, "alpha", "2.0"), make_deb(tmp_path, "beta", "1"))
    _, wanted = pool_of(
        tmp_path / "elsewhere", make_deb(tmp_path / "other", "alpha", "1.0"), make_deb(tmp_path / "other", "gone", "1")
    )
    with pytest.raises(PackageError) as caught:
        fetch_packages(wanted, Pool(tmp_path / "cache", OS), sources=sources)
    assert caught.value.detail == (
        "alpha: wanted 1.0, the mirror has 2.0",
        "gone: wanted 1, the mirror has none",
    )
    assert caught.value.exit_code == 3
    assert Pool(tmp_path / "cache", OS).all() == []


def test_another_file_of_the_same_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    sources = mirror_of(tmp_path, make_deb(tmp_path, "alpha", "1.0", "as it was"))
    _, wanted = pool_of(tmp_path / "elsewhere", make_deb(tmp_path / "other", "alpha", "1.0", "rebuilt"))
    with pytest.raises(PackageError, match=r"alpha 1\.0 is not the one in the lock"):
        fetch_packages(wanted, Pool(tmp_path / "cache", OS), sources=sources)
    assert Pool(tmp_path / "cache", OS).all() == []


def test_offline_names_what_is_missing_and_what_is_damaged(tmp_path: Path) -> None:
    pool, wanted = pool_of(tmp_path / "cache", make_deb(tmp_path, "alpha", "1"), make_deb(tmp_path, "beta", "2"))
    require(wanted, pool, lambda _: None, offline=True)
    pool.remove(wanted[0])
    pool.path(wanted[1]).write_bytes(b"")
    with pytest.raises(PackageError) as caught:
        require(wanted, pool, lambda _: None, offline=True)
    assert caught.value.detail == ("alpha 1 (not in the cache)", "beta 2 (damaged)")
    assert "labgen fetch" in (caught.value.cure or "")
