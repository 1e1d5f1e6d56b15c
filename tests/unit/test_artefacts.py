"""The artefact store with real sources on this machine: an HTTP server on loopback, a fake Go, a fake Debian mirror."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labgen.artefacts import ArtefactStore
from labgen.artefacts.go import GoFailed, offered_modules
from labgen.artefacts.sources import SourceFailed, debian_mirror
from labgen.components.manifest import Artefact, ReleaseSource, Source, UrlSource
from labgen.errors import ArtefactError

PROGRAM = b"#!/bin/sh\necho tool\n"
WRONG = "0" * 64


class Web:
    """Files served on loopback, and the paths that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                asked.append(self.path)
                if self.path == "/hangs-up":
                    self.connection.close()
                elif self.path == "/slow":
                    # Long enough for another request, if there is going to be one.
                    for _ in range(20):
                        if asked.count("/slow") == 1:
                            time.sleep(0.02)
                    super().do_GET()
                elif self.path == "/half":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b"x" * 10)
                elif self.path == "/nonsense":
                    self.wfile.write(b"this is not HTTP\r\n\r\n")
                else:
                    super().do_GET()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def source(self, name: str, content: bytes, sha256: str = "", member: str | None = None) -> UrlSource:
        (self.folder / name).write_bytes(content)
        checksum = sha256 or hashlib.sha256(content).hexdigest()
        return UrlSource(kind="url", url=f"{self.address}/{name}", sha256=checksum, member=member)

    def nowhere(self, path: str) -> UrlSource:
        return UrlSource(kind="url", url=f"{self.address}/{path}", sha256=WRONG)


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "*")
    (tmp_path / "web").mkdir()
    web = Web(tmp_path / "web")
    thread = threading.Thread(target=web.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield web
    web.server.shutdown()
    thread.join()
    web.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(tmp_path / "cache")


def artefact(*sources: Source, version: str = "1.0") -> Artefact:
    return Artefact(version=version, sources=sources)


def zipped(member: str, content: bytes = PROGRAM) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(member, content)
    return out.getvalue()


def tarred(member: str, content: bytes = PROGRAM) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        about = tarfile.TarInfo(member)
        about.size = len(content)
        archive.addfile(about, io.BytesIO(content))
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return out.getvalue()


def leftovers(store: ArtefactStore) -> list[str]:
    """What lies in the cache besides finished artefacts and their locks."""
    return [
        path.name for path in store.folder.iterdir() if not path.name.endswith(".lock") and path.name.startswith(".")
    ]


def reasons(store: ArtefactStore, *sources: Source) -> tuple[str, ...]:
    with pytest.raises(ArtefactError) as caught:
        store.ensure("tool", artefact(*sources))
    assert caught.value.what == "no source gives tool 1.0"
    assert leftovers(store) == []
    return caught.value.detail


def test_fetched_once(web: Web, store: ArtefactStore) -> None:
    about = artefact(web.source("tool", PROGRAM))
    said: list[str] = []
    assert not store.cached("tool", about)
    path = store.ensure("tool", about, said.append)
    assert path.read_bytes() == PROGRAM
    assert subprocess.run([path], capture_output=True, check=True).stdout == b"tool\n"
    assert said == ["tool 1.0 from url"]
    assert store.cached("tool", about)
    assert store.ensure("tool", about, said.append) == path
    assert web.asked == ["/tool"]
    assert len(said) == 1
    assert leftovers(store) == []


@pytest.mark.parametrize(
    ("name", "content", "member"),
    [
        ("tool.zip", zipped("tool"), None),
        ("tool.zip", zipped("tool-1.0/bin/x"), "tool-1.0/bin/x"),
        ("tool.tar.gz", tarred("tool"), None),
        ("tool.tgz", tarred("deep/down/tool"), "deep/down/tool"),
    ],
)
def test_from_an_archive(web: Web, store: ArtefactStore, name: str, content: bytes, member: str | None) -> None:
    path = store.ensure("tool", artefact(web.source(name, content, member=member)))
    assert path.name == "tool"
    assert path.read_bytes() == PROGRAM
    assert path.stat().st_mode & 0o777 == 0o755


def test_wrong_checksum(web: Web, store: ArtefactStore) -> None:
    (reason,) = reasons(store, web.source("tool.zip", zipped("tool"), sha256=WRONG))
    assert reason.startswith("url: the checksum of tool.zip differs: it is ")
    assert reason.endswith(f"pinned is {WRONG}")
    assert not store.cached("tool", artefact(web.source("tool.zip", zipped("tool"), sha256=WRONG)))


@pytest.mark.parametrize(
    ("name", "content", "member", "reason"),
    [
        ("a.zip", zipped("other"), None, "There is no item named 'tool' in the archive"),
        ("a.zip", b"no archive", None, "File is not a zip file"),
        ("a.zip", b"", None, "File is not a zip file"),
        ("a.tar.gz", b"no archive", None, "not a gzip file"),
        ("a.tar.gz", tarred("other"), None, "filename 'tool' not found"),
        ("a.tar.gz", tarred("tool"), "folder", "folder is no file in"),
        ("a.tar.gz", tarred("tool")[:40], None, ""),
    ],
    # Not by their content: an archive has the time in it.
    ids=["other", "no-zip", "empty-zip", "no-tar", "other-tar", "folder", "cut-off"],
)
def test_archive_that_does_not_hold_it(
    web: Web, store: ArtefactStore, name: str, content: bytes, member: str | None, reason: str
) -> None:
    (told,) = reasons(store, web.source(name, content, member=member))
    assert told.startswith("url: ")
    assert reason in told


def test_every_reason_is_told_in_order(web: Web, store: ArtefactStore) -> None:
    unreachable = UrlSource(kind="url", url="http://127.0.0.1:1/tool", sha256=WRONG)
    told = reasons(
        store,
        web.nowhere("absent"),
        unreachable,
        web.nowhere("hangs-up"),
        web.nowhere("half"),
        web.nowhere("nonsense"),
        UrlSource(kind="url", url="tool", sha256=WRONG),
        UrlSource(kind="url", url="http://[::1/tool", sha256=WRONG),
    )
    assert told[0] == "url: 127.0.0.1 answers 404 for absent"
    assert told[1].startswith("url: 127.0.0.1 cannot be reached (")
    assert "checksum of half differs" in told[3]
    assert len(told) == 7
    assert all(line.startswith("url: ") and len(line) > 10 for line in told)


def test_the_next_source_is_tried(web: Web, store: ArtefactStore) -> None:
    said: list[str] = []
    about = artefact(web.nowhere("absent"), web.source("tool", PROGRAM), web.nowhere("never"))
    assert store.ensure("tool", about, said.append).read_bytes() == PROGRAM
    assert said == ["tool 1.0 from url"] * 2
    assert web.asked == ["/absent", "/tool"]


@pytest.mark.parametrize("damage", ["changed", "truncated", "gone", "record gone", "record broken", "record a list"])
def test_damaged_cache_is_fetched_again(web: Web, store: ArtefactStore, damage: str) -> None:
    about = artefact(web.source("tool", PROGRAM))
    path = store.ensure("tool", about)
    record = path.with_name("record.json")
    match damage:
        case "changed":
            path.write_bytes(PROGRAM.replace(b"echo", b"evil"))
        case "truncated":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case "record gone":
            record.unlink()
        case "record broken":
            record.write_text("{")
        case "record a list":
            record.write_text("[]")
    said: list[str] = []
    assert store.ensure("tool", about, said.append).read_bytes() == PROGRAM
    assert said[0] == "tool 1.0 in the cache is damaged: fetching it again"
    assert web.asked == ["/tool", "/tool"]


def test_another_pin_is_another_artefact(web: Web, store: ArtefactStore) -> None:
    """What the manifest pins decides, so a changed checksum is never answered from the cache."""
    first = store.ensure("tool", artefact(web.source("tool", PROGRAM)))
    second = store.ensure("tool", artefact(web.source("tool", PROGRAM + b"# later\n")))
    assert first != second
    assert first.read_bytes() == PROGRAM
    assert second.read_bytes() != PROGRAM


def test_several_at_once(web: Web, store: ArtefactStore) -> None:
    """Three want the same artefact: one fetches it, all get it."""
    about = artefact(web.source("slow", PROGRAM))
    found: list[bytes] = []
    wanting = [
        threading.Thread(target=lambda: found.append(store.ensure("tool", about).read_bytes())) for _ in range(3)
    ]
    for thread in wanting:
        thread.start()
    for thread in wanting:
        thread.join()
    assert found == [PROGRAM] * 3
    assert web.asked == ["/slow"]


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{text}")
    (folder / name).chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path / "bin"


GO = Artefact.model_validate(
    {
        "version": "1.0",
        "sources": ({"kind": "go", "module": "example.test/tool", "version": "v1.0", "sum": "h1:right"},),
    }
)
FAKE_GO = """
echo "$*" >> "$HOME/asked"
case "$1 $2" in
  'mod download') echo '{"Path": "example.test/tool", "GoMod": "/the/go.mod", "Sum": "h1:%(sum)s"}' ;;
  'mod edit')
    [[ $3 != -json ]] || echo '{"Go": "1.13", "Replace": [{"Old": {"Path": "part.test"}, "New": {"Path": "./part"}},
      {"Old": {"Path": "example.test/old", "Version": "v1.0"}, "New": {"Path": "new.test", "Version": "v1.1"}}]}'
    ;;
  'build -o') [[ $CGO_ENABLED == 0 ]] && %(make)s ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_go(store: ArtefactStore, path: Path, home: Path) -> None:
    program(path, "go", FAKE_GO % {"sum": "right", "make": 'echo built > "$3"'})
    assert store.ensure("tool", GO).read_text() == "built\n"
    *asked, build = (home / "asked").read_text().splitlines()
    assert asked == [
        "mod download -json example.test/tool@v1.0",
        "mod edit -json /the/go.mod",
        "mod init example.invalid/build",
        "mod edit -require=example.test/tool@v1.0 -go=1.13 -replace=example.test/old@v1.0=new.test@v1.1",
    ]
    assert re.fullmatch(r"build -o /\S+/tool example[.]test/tool", build)


def test_go_without_a_pinned_checksum(store: ArtefactStore, path: Path, home: Path) -> None:
    """That of a version which a user chose is held against Go's own database."""
    program(path, "go", FAKE_GO % {"sum": "any", "make": 'echo built > "$3"'})
    source = {"kind": "go", "module": "example.test/tool", "version": "v1.0"}
    chosen = Artefact.model_validate({"version": "1.0", "sources": (source,)})
    assert store.ensure("tool", chosen).read_text() == "built\n"
    assert (home / "asked").is_file()


@pytest.mark.parametrize("star", [" ", "*"])
def test_a_release_with_its_checksum_beside_it(store: ArtefactStore, web: Web, star: str) -> None:
    archive = web.source("tool_1.0.zip", zipped("bin/tool"))
    sums = web.source("SUMS", f"{WRONG}  xtool_1.0.zip\n{archive.sha256} {star}tool_1.0.zip\n".encode())
    released = ReleaseSource(kind="release", url=archive.url, sums=sums.url, member="bin/tool")
    assert store.ensure("tool", artefact(released)).read_bytes() == PROGRAM


@pytest.mark.parametrize(
    ("sums", "reason"),
    [
        (f"{WRONG}  tool_1.0.zip\n", "release: the checksum of tool_1.0.zip differs: it is "),
        (f"{WRONG}  tool_1.0.zip.sig\n", "release: SUMS has no checksum of tool_1.0.zip"),
        (f"{WRONG}  other_tool_1.0.zip\n", "release: SUMS has no checksum of tool_1.0.zip"),
        ("", "release: SUMS has no checksum of tool_1.0.zip"),
    ],
)
def test_a_release_that_is_not_the_one(store: ArtefactStore, web: Web, sums: str, reason: str) -> None:
    archive, listed = web.source("tool_1.0.zip", zipped("tool")), web.source("SUMS", sums.encode())
    released = ReleaseSource(kind="release", url=archive.url, sums=listed.url, member="tool")
    (told,) = reasons(store, released)
    assert told.startswith(reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FAKE_GO % {"sum": "wrong", "make": "true"}, "it is h1:wrong, pinned is h1:right"),
        (FAKE_GO % {"sum": "right", "make": "true"}, "has no program in its top folder"),
        ("exit 3\n", "go mod: exit code 3"),
        ("echo 'go: no such module' >&2; exit 1\n", "go mod: go: no such module"),
        ('echo \'{"Error": "module lookup disabled"}\'; exit 1\n', "go mod: module lookup disabled"),
        ("echo nonsense\n", ""),
        ("echo '{}'\n", "it is not told"),
    ],
)
def test_go_fails(store: ArtefactStore, path: Path, home: Path, text: str, reason: str) -> None:
    program(path, "go", text)
    (told,) = reasons(store, *GO.sources)
    assert told.startswith("go: ")
    assert reason in told
    assert home.is_dir()


FAKE_LIST = """
case $5 in
  a.test/server) echo '{"Path": "a.test/server", "Versions": ["v3.5.0", "v3.5.7", "v3.6.0"]}' ;;
  a.test/ctl) echo '{"Path": "a.test/ctl", "Versions": ["v3.5.0", "v3.6.0", "v3.6.1"]}' ;;
  *) echo '{"Path": "a.test/silent"}' ;;
esac
"""


def test_the_versions_that_all_modules_have(path: Path) -> None:
    program(path, "go", FAKE_LIST)
    assert sorted(offered_modules(["a.test/server", "a.test/ctl"])) == ["3.5.0", "3.6.0"]
    with pytest.raises(GoFailed, match=r"Go is told no versions of a[.]test/silent"):
        offered_modules(["a.test/server", "a.test/silent"])


def test_no_go(store: ArtefactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert reasons(store, *GO.sources) == ("go: there is no Go compiler on PATH",)


APT = """
[[ $1 == indextargets ]] || exit 1
%s
"""


def deb(tmp_path: Path) -> bytes:
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: tool\nVersion: 1:1.0+dfsg1-2+b3\nArchitecture: amd64\nMaintainer: nobody\nDescription: a tool\n"
    )
    (tree / "usr" / "bin").mkdir(parents=True)
    (tree / "usr" / "bin" / "tool").write_bytes(PROGRAM)
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", tree, tmp_path / "tool.deb"], capture_output=True, check=True
    )
    return (tmp_path / "tool.deb").read_bytes()


def pool(content: bytes, member: str = "usr/bin/tool", **changed: str) -> Artefact:
    source = {
        "kind": "debian-pool",
        "suite": "bullseye",
        "package": "tool",
        "version": "1:1.0+dfsg1-2+b3",
        "sha256": hashlib.sha256(content).hexdigest(),
        "member": member,
        **changed,
    }
    return Artefact.model_validate({"version": "1.0", "sources": (source,)})


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not here")
@pytest.mark.parametrize(("package", "folder"), [("tool", "t/tool"), ("libtool", "libt/libtool")])
def test_debian_pool(web: Web, store: ArtefactStore, path: Path, tmp_path: Path, package: str, folder: str) -> None:
    program(
        path,
        "apt-get",
        APT % f"echo 'http://127.0.0.1:9/other Other Other'; echo '{web.address}/debian/ Debian Debian'",
    )
    content = deb(tmp_path)
    home = web.folder / "debian" / "pool" / "main" / folder
    home.mkdir(parents=True)
    (home / f"{package}_1.0+dfsg1-2+b3_amd64.deb").write_bytes(content)
    found = store.ensure("tool", pool(content, package=package))
    assert found.read_bytes() == PROGRAM
    assert len(web.asked) == 1
    (told,) = reasons(store, *pool(content, "usr/bin/other", package=package).sources)
    assert "usr/bin/other is not in" in told
    (told,) = reasons(store, *pool(content, package=package, sha256=WRONG).sources)
    assert "checksum" in told


def test_no_debian_mirror(store: ArtefactStore, path: Path) -> None:
    program(path, "apt-get", APT % "echo 'http://127.0.0.1:9/ubuntu Ubuntu Ubuntu'")
    with pytest.raises(SourceFailed, match="no Debian mirror"):
        debian_mirror()
    (told,) = reasons(store, *pool(b"").sources)
    assert told.startswith("debian-pool: this machine's apt has no Debian mirror")


def test_no_apt(store: ArtefactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (told,) = reasons(store, *pool(b"").sources)
    assert told.startswith("debian-pool: ")
    assert "apt-get" in told


def test_record_says_where_it_came_from(web: Web, store: ArtefactStore) -> None:
    path = store.ensure("tool", artefact(web.source("tool", PROGRAM)))
    record = json.loads(path.with_name("record.json").read_text())
    assert record == {"sha256": hashlib.sha256(PROGRAM).hexdigest(), "source": "url", "version": "1.0"}
