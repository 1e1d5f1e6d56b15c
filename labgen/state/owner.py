"""Whose a machine on this host is: a lab belongs to one folder of labs, and so to its user."""

from __future__ import annotations

import getpass
import os
import secrets
from dataclasses import dataclass

from labgen.system.files import write_atomically
from labgen.system.folders import state_folder


@dataclass(frozen=True)
class Owner:
    """id: of the folder of labs; it stays when that is moved, and is lost with it. origin: who and where, in words."""

    id: str
    origin: str

    @property
    def environment(self) -> dict[str, str]:
        """For the Vagrantfile, which marks with it all that it makes."""
        return {"LABGEN_OWNER": self.id, "LABGEN_ORIGIN": self.origin}


def owner() -> Owner:
    """The owner of what is made from this folder of labs; its id is made at the first call."""
    place = state_folder() / "id"
    try:
        found = place.read_text().strip()
    except OSError:
        found = ""
    if not found:
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(place, (made := secrets.token_hex(8)).encode(), 0o644)
            found = made
        except OSError:
            pass  # nothing can be made from such a folder, and nothing is its own
    return Owner(found, f"{_user()} in {state_folder()}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
