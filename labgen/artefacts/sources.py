"""The ways to get an artefact.

Each checks what it downloaded against the pinned checksum before it opens it; with wheels, pip does, against the
checksums that the index tells.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import quote, urlsplit

from labgen.artefacts.wheels import PipFailed, fetch_wheels
from labgen.components.manifest import DebianPoolSource, GoSource, PypiSource, Source, UrlSource

TIMEOUT = 60  # seconds without a byte
BUILD_TIMEOUT = 1200  # seconds for a Go build with its downloads


class SourceFailed(Exception):
    """Why this source did not give the file; another may. cure: what to do next, where that follows from it."""

    def __init__(self, what: str, cure: str | None = None) -> None:
        super().__init__(what)
        self.cure = cure


def fetch(source: Source, name: str, work: Path) -> Path:
    """The file called NAME from SOURCE, made in the folder WORK; raises SourceFailed."""
    try:
        match source:
            case DebianPoolSource():
                return _from_debian_pool(source, name, work)
            case UrlSource():
                return _from_url(source, name, work)
            case GoSource():
                return _from_go(source, name, work)
            case PypiSource():
                return fetch_wheels(source, name, work)
    except SourceFailed:
        raise
    except PipFailed as error:
        raise SourceFailed(str(error), error.cure) from None
    except subprocess.TimeoutExpired as error:
        raise SourceFailed(f"{error.cmd[0]} took longer than {error.timeout:.0f} seconds") from None
    except Exception as error:  # a download or an archive may be damaged in ways that its library does not foresee
        raise SourceFailed(str(error).strip("'\"") or type(error).__name__) from None


def _from_debian_pool(source: DebianPoolSource, name: str, work: Path) -> Path:
    file = f"{source.package}_{source.version.split(':')[-1]}_amd64.deb"
    initial = source.package[:4] if source.package.startswith("lib") else source.package[0]
    address = f"{debian_mirror()}/pool/main/{initial}/{source.package}/{quote(file)}"
    package = _download(address, source.sha256, work / "package.deb")
    out = work / name
    with out.open("wb") as target:
        unpack = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
        tar = subprocess.run(["tar", "-xO", f"./{source.member}"], stdin=unpack.stdout, stdout=target, check=False)
        unpack.wait()
    if tar.returncode or not out.stat().st_size:
        raise SourceFailed(f"{source.member} is not in {file}")
    return out


def debian_mirror() -> str:
    """The address of this machine's own Debian mirror, from its apt settings; raises SourceFailed."""
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in listing.stdout.splitlines():
        address, *about = line.split()
        if about == ["Debian", "Debian"]:
            return address.rstrip("/")
    raise SourceFailed("this machine's apt has no Debian mirror (or no lists: run apt-get update)")


def _from_url(source: UrlSource, name: str, work: Path) -> Path:
    archive = _download(source.url, source.sha256, work / "download")
    member = source.member or name
    if source.url.endswith(".zip"):
        with zipfile.ZipFile(archive) as opened, opened.open(member) as packed, (work / name).open("wb") as out:
            shutil.copyfileobj(packed, out)
    elif source.url.endswith((".tar.gz", ".tgz")):
        with tarfile.open(archive) as tar:
            packed_file = tar.extractfile(member)
            if packed_file is None:
                raise SourceFailed(f"{member} is no file in {source.url}")
            with packed_file, (work / name).open("wb") as out:
                shutil.copyfileobj(packed_file, out)
    else:
        return archive
    return work / name


def _download(address: str, checksum: str, target: Path) -> Path:
    """The bytes behind ADDRESS, if they are the right ones."""
    digest = hashlib.sha256()
    host = urlsplit(address).hostname
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer, target.open("wb") as out:  # noqa: S310
            while block := answer.read(1 << 20):
                digest.update(block)
                out.write(block)
    except urllib.error.HTTPError as error:
        raise SourceFailed(f"{host} answers {error.code} for {address.rsplit('/', 1)[-1]}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        raise SourceFailed(f"{host} cannot be reached ({getattr(error, 'reason', error)})") from None
    if digest.hexdigest() != checksum:
        target.unlink()
        raise SourceFailed(
            f"the checksum of {address.rsplit('/', 1)[-1]} differs: it is {digest.hexdigest()}, pinned is {checksum}"
        )
    return target


def _from_go(source: GoSource, name: str, work: Path) -> Path:
    if not shutil.which("go"):
        raise SourceFailed("there is no Go compiler on PATH")
    wanted = f"{source.module}@{source.version}"
    # A static binary runs on every Debian, whatever the C library of the machine that built it.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(work / "bin"), "GOFLAGS": "-trimpath"}
    told = _go(["mod", "download", "-json", wanted], environment, work)
    found = json.loads(told).get("Sum")
    if found != source.sum:
        raise SourceFailed(f"the checksum of {wanted} differs: it is {found or 'not told'}, pinned is {source.sum}")
    _go(["install", wanted], environment, work)
    built = work / "bin" / name
    if not built.is_file():
        raise SourceFailed(f"go install {wanted} makes no program called {name}")
    return built


def _go(words: list[str], environment: dict[str, str], work: Path) -> str:
    done = subprocess.run(
        ["go", *words], env=environment, cwd=work, capture_output=True, text=True, timeout=BUILD_TIMEOUT, check=False
    )
    if done.returncode:
        raise SourceFailed(f"go {words[0]}: {_last_words(done)}")
    return done.stdout


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Why Go failed: `-json` puts it into the output, else it is the last line."""
    try:
        return str(json.loads(done.stdout)["Error"])
    except (ValueError, KeyError, TypeError):
        lines = (done.stderr or done.stdout).strip().splitlines()
        return lines[-1] if lines else f"exit code {done.returncode}"
