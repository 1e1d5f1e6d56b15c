"""Gets packages in exact versions from this host's own Debian mirror, through apt with a state of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from labgen.artefacts.store import sha256
from labgen.errors import PackageError
from labgen.lock.packages import Package
from labgen.lock.pool import Pool
from labgen.resources import resource
from labgen.systems import System, system

KEYS = ("/etc/apt/trusted.gpg.d/*", "/usr/share/keyrings/debian-archive-*")
"""Where Debian's keys lie: those of a later release are not always among what apt trusts."""
LAST_LINES = 5
TIMEOUT = 1800  # seconds for one call of apt
CURE = (
    "take in the archive that was made with the lock: labgen fetch --from FILE\n"
    "or make a new lock from what the mirror has: labgen fetch LAB --lock ANOTHER-FILE"
)


def fetch_packages(
    wanted: Sequence[Package],
    pool: Pool,
    progress: Callable[[str], None] = lambda _: None,
    sources: Sequence[str] | None = None,
) -> None:
    """Put the packages WANTED into POOL.

    sources: lines of a sources.list; those of this host if they are not given.
    Raises PackageError that names each package which the mirror does not have, with what it has instead.
    """
    if not wanted:
        return
    progress(f"{len(wanted)} packages of {pool.os} from this machine's mirror")
    lines = list(sources) if sources is not None else _host_sources(pool.os)
    pool.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=pool.folder, prefix=".fetch-") as scratch:
        apt = _Apt(Path(scratch).absolute(), lines, system(pool.os))
        apt.run("apt-get", "update", "-qq")
        _refuse_missing(wanted, apt.offers(sorted({package.name for package in wanted})))
        got = Path(scratch) / "got"
        got.mkdir()
        try:
            apt.run("apt-get", "download", "-qq", *(f"{p.name}={p.version}" for p in wanted), cwd=got)
        except PackageError:
            # A mirror may die half way: what has come need not come again.
            for package in wanted:
                if (got / package.file).is_file() and sha256(got / package.file) == package.sha256:
                    pool.add(got / package.file)
            raise
        for package in wanted:
            arrived = pool.add(got / package.file)
            if arrived.sha256 != package.sha256:
                pool.remove(arrived)
                raise PackageError(
                    f"the mirror's {package} is not the one in the lock",
                    detail=[f"its checksum is {arrived.sha256}, in the lock it is {package.sha256}"],
                    cure=CURE,
                )


def _refuse_missing(wanted: Sequence[Package], offered: dict[str, list[str]]) -> None:
    detail = []
    for package in wanted:
        there = offered.get(package.name, [])
        if package.version not in there:
            has = f"the mirror has {', '.join(there)}" if there else "the mirror has none"
            detail.append(f"{package.name}: wanted {package.version}, {has}")
    if detail:
        what = detail[0].partition(":")[0] if len(detail) == 1 else f"{len(detail)} packages"
        raise PackageError(f"{what} cannot be had in the lock's version", detail=detail, cure=CURE)


def _host_sources(os_name: str) -> list[str]:
    script = resource("scripts") / "image" / "sources.sh"
    told = subprocess.run(["bash", script, os_name], capture_output=True, text=True, check=False)
    if not told.stdout.strip():
        raise PackageError(
            "this machine's apt has no Debian mirror",
            cure="run apt-get update, or take the packages in: labgen fetch --from FILE",
        )
    return str(told.stdout).splitlines()


class _Apt:
    """apt with lists, cache and sources below FOLDER; what this machine has installed does not count."""

    def __init__(self, folder: Path, sources: Sequence[str], of: System) -> None:
        for name in ("state/lists/partial", "cache/archives/partial", "parts", "keys"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text("".join(f"{line}\n" for line in sources))
        for pattern in KEYS:
            for key in Path("/").glob(pattern.lstrip("/")):
                (folder / "keys" / key.name).symlink_to(key)
        options = {
            "Dir::State": folder / "state",
            "Dir::State::Status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::SourceList": folder / "sources.list",
            "Dir::Etc::SourceParts": folder / "parts",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": folder / "parts",
            "Dir::Etc::TrustedParts": folder / "keys",
            # The images' architecture, whatever this machine's apt has beside it.
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            "Acquire::Languages": "none",
            # As rootfs.sh does: an archived suite's Release file has expired, its signature is still checked.
            "Acquire::Check-Valid-Until": str(of.expires).lower(),
        }
        self._options = [f"--option={name}={value}" for name, value in options.items()]

    def run(self, tool: str, *words: str, cwd: Path | None = None) -> str:
        """What TOOL prints; raises PackageError with its last lines."""
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(
                [tool, *self._options, *words],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _unfetched([f"{tool} {words[0]} took longer than {TIMEOUT} seconds"]) from None
        if done.returncode:
            raise _unfetched([line for line in done.stderr.splitlines() if line.startswith(("E:", "W:", "Err"))])
        return done.stdout

    def offers(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Package → the versions that the sources have of it, the newest first."""
        offered: dict[str, list[str]] = {}
        for line in self.run("apt-cache", "madison", *names).splitlines():
            name, version, _ = (part.strip() for part in line.split("|", 2))
            if version not in offered.setdefault(name, []):
                offered[name].append(version)
        return offered


def _unfetched(said: Sequence[str]) -> PackageError:
    return PackageError(
        "packages could not be fetched from this machine's mirror",
        detail=said[-LAST_LINES:],
        cure="see that the mirror can be reached (apt-get update), then run the same command again",
    )
