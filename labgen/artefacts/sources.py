"""The ways to get an artefact.

Each checks what it downloaded against the pinned checksum before it opens it, a release against the one beside it; with
wheels, pip does, against the checksums that the index tells, and Go does against those of its database.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import quote, urlsplit

from labgen.artefacts.go import GoFailed, build, offered_modules
from labgen.artefacts.wheels import PipFailed, fetch_wheels, offered_wheels
from labgen.components.manifest import (
    DebianPoolSource,
    GoSource,
    GoVersions,
    OtherVersions,
    PypiSource,
    ReleaseSource,
    Source,
    UrlSource,
)

TIMEOUT = 60  # seconds without a byte


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
            case ReleaseSource():
                return _from_release(source, name, work)
            case GoSource():
                return build(source, name, work)
            case PypiSource():
                return fetch_wheels(source, name, work)
    except SourceFailed:
        raise
    except PipFailed as error:
        raise SourceFailed(str(error), error.cure) from None
    except GoFailed as error:
        raise SourceFailed(str(error)) from None
    except subprocess.TimeoutExpired as error:
        raise SourceFailed(f"{error.cmd[0]} took longer than {error.timeout:.0f} seconds") from None
    except Exception as error:  # a download or an archive may be damaged in ways that its library does not foresee
        raise SourceFailed(str(error).strip("'\"") or type(error).__name__) from None


def offered_versions(source: OtherVersions) -> tuple[str, ...]:
    """The versions that SOURCE has now; raises SourceFailed."""
    try:
        if isinstance(source, GoVersions):
            return offered_modules(source.programs.values())
        return offered_wheels(source.package)
    except (PipFailed, GoFailed) as error:
        raise SourceFailed(str(error)) from None


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
    return _member(archive, source.url, source.member or name, work / name)


def _from_release(source: ReleaseSource, name: str, work: Path) -> Path:
    file = source.url.rsplit("/", 1)[-1]
    sums = _download(source.sums, None, work / "sums").read_text(errors="replace")
    listed = re.search(rf"^([0-9a-f]{{64}}) [ *]{re.escape(file)}$", sums, re.MULTILINE)
    if not listed:
        raise SourceFailed(f"{source.sums.rsplit('/', 1)[-1]} has no checksum of {file}")
    return _member(_download(source.url, listed[1], work / "download"), source.url, source.member, work / name)


def _member(archive: Path, address: str, member: str, target: Path) -> Path:
    """MEMBER of ARCHIVE, taken out as TARGET; what is no archive by its ADDRESS is the file itself."""
    if address.endswith(".zip"):
        with zipfile.ZipFile(archive) as opened, opened.open(member) as packed, target.open("wb") as out:
            shutil.copyfileobj(packed, out)
    elif address.endswith((".tar.gz", ".tgz")):
        with tarfile.open(archive) as tar:
            packed_file = tar.extractfile(member)
            if packed_file is None:
                raise SourceFailed(f"{member} is no file in {address}")
            with packed_file, target.open("wb") as out:
                shutil.copyfileobj(packed_file, out)
    else:
        return archive
    return target


def _download(address: str, checksum: str | None, target: Path) -> Path:
    """The bytes behind ADDRESS, if they are the right ones; without a CHECKSUM all are."""
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
    if checksum not in (None, digest.hexdigest()):
        target.unlink()
        raise SourceFailed(
            f"the checksum of {address.rsplit('/', 1)[-1]} differs: it is {digest.hexdigest()}, pinned is {checksum}"
        )
    return target
