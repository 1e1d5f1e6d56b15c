"""How the program ends when what it prints leads nowhere, or when somebody has enough: in words."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labgen.host.places import unusable_place

LABGEN = (sys.executable, "-m", "labgen")
FULL = Path("/dev/full")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "LABGEN_STATE": str(tmp_path / "state")}


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("list",), ("--help",), ("show", "etcd-haproxy", "--json")])
def test_an_output_without_room_is_told_of_as_that(words: tuple[str, ...], environment: dict[str, str]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*LABGEN, *words], stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "error: what labgen prints cannot be written: there is no room left where its output leads",
        "  next:  let the output lead elsewhere; what the command did besides printing is done",
    ]


@pytest.mark.parametrize("name", ["two words", "50%s", "it's", 'a "b"', "İstanbul", "$HOME;x"])
def test_any_folder_can_hold_the_state(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "LABGEN_STATE": str(tmp_path / name)}
    for words in (("list", "--json"), ("render", "etcd-haproxy", "-o", str(tmp_path / name / "out"))):
        done = subprocess.run([*LABGEN, *words], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr


def test_ctrl_c_that_a_library_throws_away_is_no_wrong_answer(environment: dict[str, str]) -> None:
    """pydantic compiles a schema, Python is called back from C, and a KeyboardInterrupt raised there goes nowhere."""
    script = """
import signal
from labgen.__main__ import main
from labgen.cli import main as cli
from labgen.errors import LabgenError

class Thing:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def app():
    Thing()
    raise LabgenError("the interrupt was forgotten")

cli.app = app
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.stderr == "interrupted: the same command goes on from here\n"
    assert done.returncode == 130


def test_ctrl_c_at_any_moment_is_no_traceback(environment: dict[str, str]) -> None:
    """While Python begins it has words of its own; from labgen's first line on there are none but labgen's."""
    seen = set()
    script = "print(1, flush=True); from labgen.__main__ import main; main()"
    for delay in (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3):
        with subprocess.Popen(
            [sys.executable, "-c", script, "show", "etcd-haproxy"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as child:
            assert child.stdout
            assert child.stderr
            child.stdout.readline()
            time.sleep(delay)
            child.send_signal(signal.SIGINT)
            said = child.communicate()[1]
        assert "Traceback" not in said, said
        # Python itself takes Ctrl-C for the system's again when all is done.
        assert child.returncode in (0, 130, -signal.SIGINT)
        seen.add(child.returncode)
    assert 130 in seen


@pytest.mark.parametrize("below", [".", "state/labgen"])
@pytest.mark.parametrize("variable", ["LABGEN_STATE", "LABGEN_CACHE"])
def test_a_file_in_the_place_of_a_folder(
    variable: str, below: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    place = tmp_path / "file"
    place.touch()
    words = ("list",) if variable == "LABGEN_STATE" else ("image", "list")
    done = subprocess.run(
        [*LABGEN, *words],
        capture_output=True,
        text=True,
        env={**environment, variable: str(place / below)},
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "error: a file stands where labgen keeps its folder",
        f"  where: {place}",
        f"  next:  move it away, or have {variable} name a folder",
    ]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, in which nobody can make a folder")
def test_a_folder_that_cannot_be_made_is_told_of_in_words(tmp_path: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*LABGEN, "render", "consul-pgbouncer", "--provider", "docker", "-o", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={**environment, "LABGEN_CACHE": "/proc/nothing"},
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.splitlines()[-3:] == [
        "error: the folder in which the cache is kept cannot be written: there is no such folder, and none can be made",
        "  where: /proc/nothing",
        "  next:  have LABGEN_CACHE name a folder that you may write to",
    ]


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))

    def told(number: int, place: Path) -> str:
        return str(unusable_place(OSError(number, "", str(place))) or "")

    assert "LABGEN_CACHE" in told(errno.EROFS, tmp_path / "cache" / "artefacts" / "x")
    assert "LABGEN_STATE" in told(errno.EACCES, tmp_path / "state")
    assert "LABGEN_STATE" in told(errno.ENOTDIR, tmp_path)
    # A file that is missing inside is labgen's own fault, and what lies elsewhere is nobody's here.
    assert not told(errno.ENOENT, tmp_path / "state" / "labs" / "x")
    assert not told(errno.EROFS, tmp_path / "other")
