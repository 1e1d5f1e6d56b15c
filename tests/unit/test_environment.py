"""Variables of the environment in place of options: which there are, which mean nothing, which one an error names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labgen.cli.environment import OWN, PREFIX, SHARED, variable, warnings_for
from labgen.cli.table import Commands


def said(tmp_path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the program itself says, whose environment has nothing else of labgen's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", "labgen", *words],
        env={**clean, "LABGEN_STATE": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LABGEN_PROFIL", "LABGEN_PROFILE"),
        ("LABGEN_STAT", "LABGEN_STATE"),
        ("LABGEN_SETS", "LABGEN_SET"),
        ("LABGEN_UP_BOOT_TIMOUT", "LABGEN_UP_BOOT_TIMEOUT"),
        ("LABGEN_CHECKPOINT_SAVE_FORSE", "LABGEN_CHECKPOINT_SAVE_FORCE"),
    ],
)
def test_a_misspelt_variable_is_told(name: str, meant: str) -> None:
    assert warnings_for({name: "x", "HOME": "/"}, Commands.rows) == [
        f"warning: {name} in the environment means nothing to labgen: did you mean '{meant}'?"
    ]


def test_one_that_is_like_no_other() -> None:
    (line,) = warnings_for({"LABGEN_QQQQQQQQQ": "x"}, Commands.rows)
    assert line.endswith("labgen COMMAND --help has what there is, as LABGEN_COMMAND_OPTION")


def options(command: Any, begin: str) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from options(inner, variable(begin, name))
    for param in command.params:
        yield from ((variable(begin, option[2:]), param) for option in param.opts if option.startswith("--"))


def test_every_option_has_its_variable() -> None:
    """As it is spelt on the command line; those that several commands share have a short one, too."""
    shared: set[str] = set()
    for row in Commands.rows:
        command = row.command()
        found = dict(options(command, variable("LABGEN", row.name)))
        assert warnings_for(dict.fromkeys(found, "x"), Commands.rows) == []
        given = [param.envvar for param in found.values() if param.envvar]
        shared.update(name for names in given for name in ([names] if isinstance(names, str) else names))
    assert shared == SHARED
    assert warnings_for(dict.fromkeys(SHARED | OWN, "x"), Commands.rows) == []


def test_the_program_warns_and_goes_on(tmp_path: Path) -> None:
    done = said(tmp_path, "version", LABGEN_PROFIL="published")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: LABGEN_PROFIL in the environment means nothing to labgen")
    assert said(tmp_path, "version", LABGEN_PROFILE="published").stderr == ""
    assert said(tmp_path, LABGEN_PROFIL="x", _LABGEN_COMPLETE="complete_bash", COMP_WORDS="labgen", COMP_CWORD="0")


@pytest.mark.parametrize("name", ["LABGEN_SET", "LABGEN_SHOW_SET", "LABGEN_SHOW_SET_"])
def test_set_from_the_environment(name: str, tmp_path: Path) -> None:
    done = said(tmp_path, "show", "etcd-haproxy", "--resolved", **{name: "patroni.ttl=45 os=debian-12"})
    assert done.returncode == 0, done.stderr
    assert "debian-12" in done.stdout
    assert "--set patroni.ttl=45" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("variable", "value", "where"),
    [
        ("LABGEN_PROFILE", "publised", "etcd-haproxy.yml, from LABGEN_PROFILE"),
        ("LABGEN_SHOW_PROVIDER", "dokcer", "LABGEN_SHOW_PROVIDER"),
        ("LABGEN_SET", "patroni.tll=5", "--set patroni.tll=5, from LABGEN_SET"),
    ],
)
def test_an_error_names_the_variable(variable: str, value: str, where: str, tmp_path: Path) -> None:
    done = said(tmp_path, "show", "etcd-haproxy", **{variable: value})
    assert done.returncode == 2
    assert any(line.startswith("  where:") and line.endswith(where) for line in done.stderr.splitlines()), done.stderr


def test_the_command_line_is_not_blamed_on_the_environment(tmp_path: Path) -> None:
    done = said(tmp_path, "show", "etcd-haproxy", "--profile", "publised", LABGEN_PROFILE="modern")
    assert "from LABGEN_PROFILE" not in done.stderr


def test_nor_is_what_has_gone_wrong_on_this_machine(tmp_path: Path) -> None:
    place = tmp_path / "docker"
    place.touch()
    done = said(tmp_path, "show", "etcd-haproxy", LABGEN_STATE=str(place), LABGEN_PROVIDER="docker")
    assert done.returncode == 3
    assert f"  where: {place}\n" in done.stderr


def test_what_all_commands_take_is_no_option_of_from(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("none")
    given = {"LABGEN_PROVIDER": "docker", "LABGEN_PROFILE": "modern", "LABGEN_SET": "patroni.ttl=40"}
    words = ["fetch", "--from", str(tmp_path / "archive")]
    assert "the archive is refused" in said(tmp_path, *words, **given).stderr
    assert "takes in an archive as it is" in said(tmp_path, *words, "--provider", "docker").stderr


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered folder as `vagrant up` would leave it."""
    folder = tmp_path_factory.mktemp("by-hand")
    words = ("render", "etcd-haproxy", "--provider", "docker", "--no-artefacts", "-o", str(folder / "rendered"))
    assert said(folder / "state", *words).returncode == 0
    (folder / "rendered" / ".vagrant").mkdir()
    return folder / "rendered"


@pytest.mark.parametrize("script", ["destroy.sh", "prepare.sh"])
@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("-h", 0), ("--now", 2)])
def test_scripts_of_a_rendered_folder_do_nothing_for_a_word(
    script: str, word: str, code: int, rendered: Path, tmp_path: Path
) -> None:
    (tmp_path / "vagrant").write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    (tmp_path / "vagrant").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(rendered / script), word], env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == code
    assert ("usage: ./" in done.stdout) == (code == 0)
    assert not (tmp_path / "called").exists()
    assert (rendered / ".vagrant").exists()
