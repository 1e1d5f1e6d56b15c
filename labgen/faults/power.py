"""Machines seen from the host: how each provider takes a machine's power away, freezes it, and undoes that."""

from __future__ import annotations

import os
from collections.abc import Mapping

from labgen.lab.model import Lab
from labgen.providers import base

Words = tuple[str, ...]

_VIRSH = ("virsh", "--quiet")
COMMANDS: Mapping[str, Mapping[str, Words]] = {
    "docker": {
        "off": ("docker", "kill"),
        "on": ("docker", "start"),
        "freeze": ("docker", "pause"),
        "thaw": ("docker", "unpause"),
    },
    "libvirt": {
        "off": (*_VIRSH, "destroy"),
        "on": (*_VIRSH, "start"),
        "freeze": (*_VIRSH, "suspend"),
        "thaw": (*_VIRSH, "resume"),
    },
    "virtualbox": {
        "off": ("VBoxManage", "controlvm", "{}", "poweroff"),
        "on": ("VBoxManage", "startvm", "{}", "--type", "headless"),
        "freeze": ("VBoxManage", "controlvm", "{}", "pause"),
        "thaw": ("VBoxManage", "controlvm", "{}", "resume"),
    },
}

# What the tools say where there is nothing left to do.
ALREADY = ("is not paused", "already active", "already running", "domain is already", "is not running", "not in state")


def command(lab: Lab, node: str, what: str) -> Words:
    """The command on this host that does WHAT (off, on, freeze, thaw) to the machine of NODE."""
    words = COMMANDS[lab.provider][what]
    name = base.machine(lab, node)
    if "{}" in words:
        return tuple(name if word == "{}" else word for word in words)
    uri = ("--connect", os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")) if lab.provider == "libvirt" else ()
    return (words[0], *uri, *words[1:], name)
