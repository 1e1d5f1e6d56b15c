"""A program built from its Go module by the host's own Go: it knows where modules come from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labgen.components.manifest import GoSource

BUILD_TIMEOUT = 1200  # seconds for a build with its downloads


class GoFailed(Exception):
    """What Go said."""


def build(source: GoSource, name: str, work: Path) -> Path:
    """The program NAME, made in the folder WORK; raises GoFailed.

    It is built as a part of a module made here: `go install` refuses a module that replaces others. What it has
    replaced by a version is replaced here too; a folder of its makers' is not, since the version it asks for is that
    folder as it was published.
    """
    wanted = f"{source.module}@{source.version}"
    told = json.loads(_go(["mod", "download", "-json", wanted], work))
    if source.sum and told.get("Sum") != source.sum:
        raise GoFailed(
            f"the checksum of {wanted} differs: it is {told.get('Sum') or 'not told'}, pinned is {source.sum}"
        )
    about = json.loads(_go(["mod", "edit", "-json", told["GoMod"]], work))
    module = work / "module"
    module.mkdir()
    _go(["mod", "init", "example.invalid/build"], module)
    # The language's version decides how old code behaves.
    spoken = [f"-go={about['Go']}"] if "Go" in about else []
    _go(["mod", "edit", f"-require={wanted}", *spoken, *_replacements(about)], module)
    _go(["build", "-o", str(work / name), source.module], module)
    if not (work / name).is_file():
        raise GoFailed(f"{wanted} has no program in its top folder")
    return work / name


def offered_modules(modules: Iterable[str]) -> tuple[str, ...]:
    """The versions that there are of all MODULES, without their `v`; raises GoFailed where Go is told of none."""
    had = [json.loads(_go(["list", "-m", "-versions", "-json", name], Path("/"))) for name in modules]
    if lacking := [about["Path"] for about in had if not about.get("Versions")]:
        raise GoFailed(f"Go is told no versions of {', '.join(lacking)}")
    return tuple(set.intersection(*({text.removeprefix("v") for text in about["Versions"]} for about in had)))


def _replacements(about: dict[str, Any]) -> Iterator[str]:
    """The `replace` lines of a go.mod that name a version, as options of `go mod edit`."""
    for line in about.get("Replace") or ():
        old, new = line["Old"], line["New"]
        if "Version" in new:
            whose = "@".join(filter(None, (old["Path"], old.get("Version"))))
            yield f"-replace={whose}={new['Path']}@{new['Version']}"


def _go(words: list[str], folder: Path) -> str:
    if not shutil.which("go"):
        raise GoFailed("there is no Go compiler on PATH")
    # A static binary runs on every Debian, whatever the C library of the machine that built it.
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -mod=mod", "GOWORK": "off"}
    done = subprocess.run(
        ["go", *words],
        env={**os.environ, **settings},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise GoFailed(f"go {words[0]}: {_last_words(done)}")
    return done.stdout


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Why Go failed: `-json` puts it into the output, else it is the last line."""
    try:
        return " ".join(str(json.loads(done.stdout)["Error"]).split())
    except (ValueError, KeyError, TypeError):
        lines = (done.stderr or done.stdout).strip().splitlines()
        return lines[-1] if lines else f"exit code {done.returncode}"
