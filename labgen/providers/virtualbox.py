"""Machines under VirtualBox. Rendered and validated by the tests, but not booted by them."""

from __future__ import annotations

import re

from labgen.errors import HostError
from labgen.providers import base
from labgen.providers.base import VAGRANTFILES, Provider
from labgen.providers.capabilities import MACHINE
from labgen.providers.control import MACHINE_NAME, ControlCommands, MachineAction
from labgen.providers.names import LabNames, machine_name
from labgen.system.tools import ask

INSTALL = "install VirtualBox (virtualbox.org, or your distribution's package), or choose another: --provider docker"


CONTROL = ControlCommands(
    {
        MachineAction.OFF: ("VBoxManage", "controlvm", MACHINE_NAME, "poweroff"),
        MachineAction.ON: ("VBoxManage", "startvm", MACHINE_NAME, "--type", "headless"),
        MachineAction.STOP: ("VBoxManage", "controlvm", MACHINE_NAME, "acpipowerbutton"),
        MachineAction.PAUSE: ("VBoxManage", "controlvm", MACHINE_NAME, "pause"),
        MachineAction.UNPAUSE: ("VBoxManage", "controlvm", MACHINE_NAME, "resume"),
    },
    done=("is not paused", "already running", "is not running", "not in state", "could not find a registered machine"),
)


class VirtualboxProvider(Provider):
    """VirtualBox on this host."""

    name = "virtualbox"
    capabilities = MACHINE
    control = CONTROL
    vagrantfile = VAGRANTFILES / "virtualbox.rb.j2"
    no_snapshots = "labgen renders its machines, and has not been tried on them"

    def problems(self) -> list[HostError]:
        found = base.vagrant_missing()
        if missing := base.missing("VBoxManage", "VirtualBox", INSTALL):
            return found + missing
        answer = ask(["VBoxManage", "--version"])
        # Without its kernel module, VirtualBox still answers, and only warns.
        if answer.rc != 0 or "WARNING" in answer.stdout + answer.stderr:
            said = (answer.stderr or answer.stdout).strip().splitlines()[:4]
            found.append(
                HostError("VirtualBox is not ready", detail=said, cure="load its module: sudo /sbin/vboxconfig")
            )
        return found

    def leftovers(self, lab: LabNames) -> list[str]:
        names = {machine_name(lab, node.name) for node in lab.nodes}
        listed = re.findall(r'^"(.+)" \{', ask(["VBoxManage", "list", "vms"]).stdout, re.MULTILINE)
        return [f"machine {name}" for name in listed if name in names]
