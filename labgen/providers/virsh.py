"""libvirt, asked through virsh."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from labgen.errors import HostError
from labgen.system.tools import ToolResult, ask

STATES = {1: "running", 2: "running", 3: "paused", 4: "stopped", 5: "stopped", 6: "stopped", 7: "paused"}
"""libvirt's virDomainState."""

INSTALL = "install it: sudo apt-get install qemu-system-x86 libvirt-daemon-system vagrant-libvirt"


def uri() -> str:
    """The libvirt that is asked."""
    return os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")


def virsh(*words: str, timeout: float = 30) -> ToolResult:
    """What virsh says to WORDS."""
    return ask(["virsh", "--quiet", "--connect", uri(), *words], timeout=timeout)


def words(*command: str) -> list[str]:
    """What virsh prints, cut at white space; nothing if it fails."""
    answer = virsh(*command)
    return answer.stdout.split() if answer.rc == 0 else []


def domains() -> dict[str, str]:
    """Name → state of every domain there is."""
    answer = virsh("domstats", "--state")
    if answer.rc != 0:
        raise unreachable(answer)
    return parse_domain_states(answer.stdout)


def parse_domain_states(text: str) -> dict[str, str]:
    """The output of `virsh domstats --state`, in labgen's words."""
    found = re.findall(r"^Domain: '(.+)'\n(?:.*\n)*?\s+state\.state=(\d+)$", text, re.MULTILINE)
    return {name: STATES.get(int(number), "unknown") for name, number in found}


def unreachable(answer: ToolResult) -> HostError:
    """Why virsh gave no ANSWER."""
    said: Sequence[str] = answer.stderr.strip().splitlines()[-2:]
    if answer.rc == 127:
        return HostError("libvirt is not installed: no virsh in PATH", cure=INSTALL)
    if re.search(r"permission denied|authentication|polkit|access denied", answer.stderr, re.IGNORECASE):
        cure = "join its group: sudo usermod -aG libvirt $USER, then log in again; or run labgen as root"
        return HostError("you have no permission to use libvirt", detail=said, cure=cure)
    return HostError(
        "libvirt does not answer",
        detail=said,
        cure="start it: sudo systemctl start libvirtd\nwithout a service manager: sudo virtlogd -d; sudo libvirtd -d",
    )
