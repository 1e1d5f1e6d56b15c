"""A lab's secrets and SSH key: made once, kept, completed, and nobody else's to read."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from labs import lab, write_component

from labgen.errors import LabgenError
from labgen.lab.keys import make_key_pair
from labgen.lab.model import Lab
from labgen.lab.secrets import make_secrets
from labgen.lint.passed import shape
from labgen.render.folder import write_folder
from labgen.render.model import SECRET, RenderedFile
from labgen.state.secrets import keep_keys, keep_secrets

SECRETS = """\
secrets:
  word: {kind: password, doc: a password}
  long: {kind: password, bytes: 64, doc: a long one}
  key: {kind: base64, bytes: 32, doc: a key}
"""


@pytest.fixture
def sample(tmp_path: Path) -> Lab:
    write_component(tmp_path / "components", "agent", SECRETS)
    write_component(tmp_path / "components", "bare")
    return lab(tmp_path, {"one": ["agent", "bare"]})


def test_what_is_made(sample: Lab) -> None:
    made = make_secrets(sample.components.values())
    assert set(made) == {"agent"}
    assert set(made["agent"]) == {"word", "long", "key"}
    assert len(made["agent"]["word"]) == 24
    assert len(made["agent"]["long"]) == 64
    assert made["agent"]["word"].isalnum()
    assert made["agent"]["word"].isascii()
    assert len(base64.b64decode(made["agent"]["key"], validate=True)) == 32
    assert make_secrets(sample.components.values())["agent"] != made["agent"]


def test_keys_of_all_labs_look_the_same_to_lint(sample: Lab) -> None:
    keys = [make_secrets(sample.components.values())["agent"]["key"] for _ in range(100)]
    assert {shape(key) for key in keys} == {"44="}


def test_kept_and_completed(tmp_path: Path, sample: Lab) -> None:
    path = tmp_path / "state" / "secrets.json"
    first = keep_secrets(path, sample)
    written = path.stat().st_mtime_ns
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert keep_secrets(path, sample) == first
    assert path.stat().st_mtime_ns == written
    write_component(tmp_path / "components", "agent", SECRETS + "  more: {kind: password, doc: another}\n")
    later = keep_secrets(path, lab(tmp_path, {"one": ["agent"]}))
    assert later["agent"].items() > first["agent"].items()
    assert set(later["agent"]) - set(first["agent"]) == {"more"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_opened_to_others_it_is_closed_again(tmp_path: Path, sample: Lab) -> None:
    first = keep_secrets(tmp_path / "secrets.json", sample)
    (tmp_path / "secrets.json").chmod(0o644)
    assert keep_secrets(tmp_path / "secrets.json", sample) == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "5", '{"agent": []}', '{"agent": "x"}', "\x00", '{"agent": {"token": ["a", "list"]}}']
)
def test_damaged_secrets_are_not_made_anew(tmp_path: Path, sample: Lab, content: str) -> None:
    """New passwords in place of damaged ones would lock the lab's owner out of a running cluster."""
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(LabgenError, match="damaged") as told:
        keep_secrets(tmp_path / "secrets.json", sample)
    assert f"labgen destroy {sample.name} --yes, then labgen up {sample.name}" in (told.value.cure or "")
    assert (tmp_path / "secrets.json").read_text() == content


def test_openssh_reads_the_key(tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("ssh-keygen is not here")
    keys = make_key_pair("labgen-sample")
    (tmp_path / "key").write_text(keys.private)
    (tmp_path / "key").chmod(0o600)
    done = subprocess.run(["ssh-keygen", "-y", "-f", tmp_path / "key"], capture_output=True, text=True, check=True)
    assert keys.public.split()[:2] == done.stdout.split()[:2]
    assert keys.public.split()[2] == "labgen-sample"
    assert keys.private.endswith("-----END OPENSSH PRIVATE KEY-----\n")
    assert "\n" not in keys.public
    assert make_key_pair("labgen-sample").private != keys.private


def test_rendered_keys_are_kept(tmp_path: Path) -> None:
    made = keep_keys(tmp_path, "sample")
    files = {"keys/lab_ed25519": (made.private, SECRET), "keys/lab_ed25519.pub": (made.public + "\n", 0o644)}
    write_folder({path: RenderedFile(*file) for path, file in files.items()}, tmp_path)
    assert keep_keys(tmp_path, "sample") == made
    (tmp_path / "keys" / "lab_ed25519.pub").unlink()
    assert keep_keys(tmp_path, "sample") != made
