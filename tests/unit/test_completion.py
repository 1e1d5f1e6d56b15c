"""What a shell completes behind an option: of the blueprint or lab that stands before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def completed(tmp_path: Path, line: str) -> list[str]:
    words = line.split(" ")
    environment = {
        **os.environ,
        "LABGEN_STATE": str(tmp_path),
        "_LABGEN_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    # Its name leads to its variable, so it is not to be called by `python -m`.
    program = Path(sys.executable).with_name("labgen")
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("labgen up etcd-haproxy --profile ", ["modern", "next", "published"]),
        ("labgen up etcd-haproxy --profile n", ["next"]),
        ("labgen up etcd-haproxy --until ", ["install", "configure", "etcd", "haproxy", "patroni"]),
        ("labgen validate etcd-haproxy --set patroni.tt", ["patroni.ttl="]),
        ("labgen up etcd-haproxy --set versions.p", ["versions.patroni="]),
        ("labgen up etcd-haproxy --set net", ["network.cidr="]),
        ("labgen up --profile next etcd-haproxy --until c", ["configure"]),
        ("labgen up nosuch --profile ", []),
    ],
)
def test_options(line: str, words: list[str], tmp_path: Path) -> None:
    assert completed(tmp_path, line) == words
