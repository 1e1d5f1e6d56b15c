"""What `fetch` leaves out of an archive."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from labgen.actions.cache.fetch import knows_a_password


@pytest.mark.parametrize(
    ("name", "text", "knows"),
    [
        ("./etc/apt/sources.list", "deb https://me:secret@mirror.invalid/debian trixie main", True),
        ("etc/apt/sources.list.d/0000.list", "deb https://token@mirror.invalid/debian trixie main", True),
        ("./etc/apt/apt.conf.d/99mmdebstrap", 'Acquire::http::Proxy "http://me:secret@proxy.invalid:3128";', True),
        ("./etc/apt/sources.list", "deb https://mirror.invalid/debian trixie main", False),
        ("./usr/share/doc/x", "https://me:secret@mirror.invalid/", False),
    ],
)
def test_a_password_in_a_tree_is_noticed(tmp_path: Path, name: str, text: str, knows: bool) -> None:
    with tarfile.open(tmp_path / "base.tar", "w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    assert knows_a_password(tmp_path / "base.tar") is knows
