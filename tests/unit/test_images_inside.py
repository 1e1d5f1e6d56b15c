"""A program inside an image: what goes in and out, and that nothing is left of it. A shell script plays docker."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from labgen.errors import ImageError
from labgen.images import ImageSpec, closed, run_inside
from labgen.images.registry import record_image

# Runs what comes after the image's name, as docker would inside it.
DOCKER = """\
#!/usr/bin/env bash
echo "$*" >>"$WORLD/calls"
[[ $1 == image ]] && exit
[[ $1 == run ]] || exit 0
until [[ $1 == labgen/* ]]; do shift; done
exec "${@:2}"
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageSpec:
    for folder in ("bin", "image", "lib"):
        (tmp_path / folder).mkdir()
    for script in ("rootfs", "sources", "apt", "system", "docker", "libvirt"):
        (tmp_path / "image" / f"{script}.sh").write_text("")
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("WORLD", str(tmp_path))
    monkeypatch.setenv("VAGRANT_HOME", str(tmp_path / "vagrant"))
    return ImageSpec("debian-13", "docker", (), tmp_path / "lib", tmp_path / "image")


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_input_and_output_are_bytes(spec: ImageSpec, tmp_path: Path) -> None:
    given = bytes(range(256)) * 4096
    assert run_inside(spec, ["cat"], given, timeout=20) == given
    (call,) = calls(tmp_path)
    assert "--network none" in call
    assert "--rm" in call.split()


def test_a_program_that_fails_is_told_with_its_last_words(spec: ImageSpec) -> None:
    with pytest.raises(ImageError) as caught:
        run_inside(spec, ["bash", "-c", "echo out; echo the disk is on fire >&2; exit 3"], b"", timeout=20)
    assert caught.value.detail == ("the disk is on fire",)
    assert spec.name in caught.value.what
    assert str(caught.value.cure).endswith(f"{spec.name} true")


def test_a_program_that_hangs_is_ended(spec: ImageSpec, tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        run_inside(spec, ["sleep", "60"], b"", timeout=0.2)
    run, removed = calls(tmp_path)
    assert removed == f"rm --force {run.split('--name ')[1].split()[0]}"


def test_a_program_may_be_given_up(spec: ImageSpec, tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(ImageError):
        run_inside(spec, ["sleep", "60"], b"", timeout=60, stop=stop)
    assert time.monotonic() - began < 20
    assert calls(tmp_path)[-1].startswith("rm --force labgen-inside-")


def test_what_is_not_here_is_closed(spec: ImageSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert closed(spec, tmp_path) == "their image is not here"
    record_image(spec, tmp_path, 1)
    assert closed(spec, tmp_path) is None
    box = ImageSpec("debian-13", "libvirt", (), spec.lib, spec.scripts)
    disk = tmp_path / "vagrant" / "boxes" / box.name.replace("/", "-VAGRANTSLASH-") / "0" / "libvirt"
    disk.mkdir(parents=True)
    (disk / "metadata.json").write_text("{}")
    record_image(box, tmp_path, 1)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert closed(box, tmp_path) == "it takes root to look into a libvirt image"
