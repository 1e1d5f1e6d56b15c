"""Vagrant's boxes on this host. `vagrant box list` takes a second to say what its folder shows at once."""

from __future__ import annotations

import os
from pathlib import Path


def have_box(name: str, provider: str) -> bool:
    """Whether Vagrant has the box NAME for PROVIDER, whoever made it."""
    # Some versions put the architecture between the version and the provider.
    return any(box_folder(name).glob(f"*/{provider}/metadata.json")) or any(
        box_folder(name).glob(f"*/*/{provider}/metadata.json")
    )


def box_folder(name: str) -> Path:
    """Where Vagrant has the box NAME, if it has it."""
    home = Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d")
    return home / "boxes" / as_file_name(name)


def as_file_name(box: str) -> str:
    """How Vagrant and vagrant-libvirt write a box's name where a slash cannot be."""
    return box.replace("/", "-VAGRANTSLASH-")
