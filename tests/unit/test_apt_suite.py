"""scripts/lib/lib.sh: what `apt_suite` makes the real apt choose, from an archive made here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from labgen.resources import resource

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="there is no apt here")

PACKAGE = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: nobody
Source: {source}
Filename: none
Size: 1
"""
SUITES: Mapping[str, tuple[str, list[tuple[str, str, str]]]] = {
    "forky": ("", [("libagent", "1.0", "agent-1"), ("other", "1.0", "other")]),
    "experimental": (
        "NotAutomatic: yes\n",
        [("agent", "2.0", "agent-2"), ("libagent", "2.0", "agent-2"), ("other", "2.0", "other")],
    ),
}


@pytest.fixture
def apt(tmp_path: Path) -> Callable[..., str]:
    """Runs bash words after lib.sh, with an apt that knows the archive's suite forky and nothing of this machine's."""
    for suite, (more, packages) in SUITES.items():
        folder = tmp_path / "archive" / "dists" / suite
        (folder / "main" / "binary-all").mkdir(parents=True)
        rows = [PACKAGE.format(name=name, version=version, source=source) for name, version, source in packages]
        index = "\n".join(rows)
        (folder / "main" / "binary-all" / "Packages").write_text(index)
        release = f"Label: Debian\nSuite: {suite}\nArchitectures: all\nComponents: main\n{more}"
        (folder / "Release").write_text(release)
    for name in ("parts", "preferences", "lists", "cache", "state/agent"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{tmp_path}/archive forky main\n")
    (tmp_path / "status").touch()
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::SourceList "{tmp_path}/sources.list"; Dir::Etc::SourceParts "{tmp_path}/parts";\n'
        f'Dir::Etc::PreferencesParts "{tmp_path}/preferences"; Dir::State::Lists "{tmp_path}/lists";\n'
        f'Dir::State::Status "{tmp_path}/status"; Dir::Cache "{tmp_path}/cache"; APT::Architectures "all";\n'
        'APT::Sandbox::User "root"; Acquire::AllowInsecureRepositories "true";\n'
    )

    def run(words: str) -> str:
        environment = {
            **os.environ,
            "APT_CONFIG": str(tmp_path / "apt.conf"),
            "LABGEN_STATE": str(tmp_path / "state"),
            "LABGEN_COMPONENT": "agent",
            "LABGEN_STAGE": "install",
            "LC_ALL": "C",
        }
        script = f'. "{resource("scripts") / "lib" / "lib.sh"}"; {words}'
        done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("apt-get -qq update")
    return run


def candidates(apt: Callable[..., str]) -> dict[str, str]:
    """Package → the version that apt would install."""
    told = apt("apt-cache policy agent libagent other").splitlines()
    names = [line.rstrip(":") for line in told if line and line[0] != " "]
    return dict(zip(names, (line.split()[1] for line in told if "Candidate:" in line), strict=True))


def test_what_is_built_from_the_source_and_nothing_else(apt: Callable[..., str]) -> None:
    assert candidates(apt) == {"libagent": "1.0", "other": "1.0"}
    apt("apt_suite experimental agent-2; apt-get -qq update")
    assert candidates(apt) == {"agent": "2.0", "libagent": "2.0", "other": "1.0"}


def test_lists_are_fetched_anew(apt: Callable[..., str], tmp_path: Path) -> None:
    assert list((tmp_path / "lists").glob("*Packages*"))
    apt("apt_suite experimental agent-2")
    assert not list((tmp_path / "lists").glob("*Packages*"))


def test_packages_that_were_chosen_are_left_alone(apt: Callable[..., str], tmp_path: Path) -> None:
    """From a repository that calls itself nothing, as the one of a lock does."""
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] copy:{tmp_path}/nothing ./\n")
    apt("apt_suite experimental agent-2")
    assert not list((tmp_path / "parts").iterdir())
