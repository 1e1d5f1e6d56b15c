"""The passwords and keys of a lab, made once and kept."""

from __future__ import annotations

import json
from pathlib import Path

from labgen.errors import LabgenError, UsageError
from labgen.lab.keys import KeyPair, make_key_pair
from labgen.lab.model import Lab
from labgen.lab.secrets import make_secrets
from labgen.reading import read_json
from labgen.system.files import write_atomically


def keep_secrets(path: Path, lab: Lab) -> dict[str, dict[str, str]]:
    """The secrets in the file PATH (mode 0600), completed for LAB."""
    try:
        kept = read_json(path)
        private = path.stat().st_mode & 0o777 == 0o600
        if not isinstance(kept, dict):
            raise ValueError("a list, or a word")
        old = {(component, name): value for component, group in kept.items() for name, value in group.items()}
        if not all(isinstance(value, str) for value in old.values()):
            raise ValueError("a secret that is no text")
    except FileNotFoundError:
        kept, private, old = {}, True, {}
    except (ValueError, AttributeError):
        raise LabgenError(
            f"the lab's secrets cannot be read: {path.name} is damaged",
            where=path,
            cure=f"put the file back from a copy, if you have one\n"
            f"or labgen destroy {lab.name} --yes, then labgen up {lab.name}: the lab is made anew",
        ) from None
    for component, group in lab.contained.items():
        for name, text in group.items():
            if text not in old.get((component, name), text):
                raise UsageError(
                    f"the lab {lab.name} exists, and its secret {component}.{name} has no '{text}' in it",
                    where=lab.origins.get(("secrets", component, name, "containing")),
                    cure=f"labgen destroy {lab.name} --yes, or make a second lab with another --name",
                )
    secrets = make_secrets(lab.components.values(), kept, lab.contained)
    if secrets != kept or not private:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, json.dumps(secrets, indent=2).encode() + b"\n", 0o600)
    return secrets


def keep_keys(rendered: Path, name: str) -> KeyPair:
    """The key pair in the rendered folder; a new one when there is none yet."""
    private = rendered / "keys" / "lab_ed25519"
    public = private.with_suffix(".pub")
    if private.is_file() and public.is_file():
        return KeyPair(private.read_text(), public.read_text().strip())
    return make_key_pair(f"labgen-{name}")
