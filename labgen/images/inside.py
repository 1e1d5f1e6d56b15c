"""Runs a program inside an image, with nothing of it kept and no network but its own loopback."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from labgen.errors import ImageError
from labgen.images.registry import have_image
from labgen.images.spec import ImageSpec
from labgen.system.waiting import WaitTimeout, wait_until

LAST_LINES = 15
POLL = 0.02  # seconds between two looks whether it has ended or is to be given up


def closed(spec: ImageSpec, cache: Path) -> str | None:
    """Why nothing can be run inside the image of SPEC here, as a clause; None if it can."""
    if not have_image(spec, cache):
        return "their image is not here"
    return spec.maker.closed(spec.name)


def run_inside(
    spec: ImageSpec, words: Sequence[str], given: bytes, *, timeout: float, stop: threading.Event | None = None
) -> bytes:
    """What the program WORDS prints inside the image of SPEC when it reads GIVEN; it runs as root.

    stop: when it is set, from another thread, the program is ended. Raises ImageError when the program fails.
    """
    name = f"labgen-inside-{secrets.token_hex(6)}"
    stop = stop or threading.Event()
    # In memory: what is given may hold secrets.
    with _memory() as stdin, _memory() as stdout, _memory() as stderr:
        stdin.write(given)
        stdin.seek(0)
        entry = spec.maker.inside(spec.name, name)
        running = subprocess.Popen([*entry, *words], stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True)
        try:
            with suppress(WaitTimeout):
                wait_until(
                    f"end of {words[0]}",
                    lambda: running.poll() is not None or stop.is_set(),
                    timeout,
                    poll=POLL,
                    pause=stop.wait,
                )
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
                spec.maker.end(name)
        if running.returncode:
            stderr.seek(0)
            lines = stderr.read().decode(errors="replace").splitlines()[-LAST_LINES:]
            raise ImageError(
                f"a program could not be run inside the image {spec.name}",
                detail=lines,
                cure=f"see whether this does: {shlex.join([*entry, 'true'])}",
            )
        stdout.seek(0)
        return stdout.read()


def _memory() -> BinaryIO:
    return os.fdopen(os.memfd_create("labgen"), "w+b")
