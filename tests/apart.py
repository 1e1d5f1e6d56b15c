"""How far a node in a container is kept from its host, as the node sees it itself."""

from __future__ import annotations

import json
from pathlib import Path

from tests.live import LiveLab, docker

# Each line is a claim, answered with yes or no by a script that runs as root on the node.
LOOK = r"""
set -u
says() { if eval "$2" >/dev/null 2>&1; then echo "$1 yes"; else echo "$1 no"; fi; }
own=$(sed -n 's/^0:://p;s/^[0-9]*:name=systemd://p' /proc/1/cgroup | tail -n 1)
own=${own%/init.scope}
top=/sys/fs/cgroup
[ -d "$top/systemd" ] && [ ! -e "$top/cgroup.procs" ] && top=/sys/fs/cgroup/systemd
says own-group-is-writable "mkdir $top$own/probe && rmdir $top$own/probe"
says systemd-runs-its-units-there "grep -q . $top$own/system.slice/ssh.service/cgroup.procs"
others() { # groups that are neither on the way to the node's own, nor in it
  find "$top" -type d | while read -r group; do
    case $top$own/ in "$group"/*) continue ;; esac
    case $group/ in "$top$own"/*) continue ;; esac
    echo "$group"
  done | grep -q .
}
says other-groups-are-seen others
says release-agent-is-there "test -e $top/release_agent"
says host-files-are-mounted "cut -d' ' -f5 /proc/self/mountinfo | grep -E '^/(var|home|root|usr|opt|boot|dev/sd)'"
says a-device-can-be-made "mknod /tmp/probe b 8 0"
says something-can-be-mounted "mount -t tmpfs none /mnt"
says sysctls-are-writable "echo 1 > /proc/sys/kernel/panic"
says the-clock-can-be-set "date -s '+1 second'"
says modules-can-be-loaded "modprobe dummy"
"""
APART = {
    "own-group-is-writable": "yes",
    "systemd-runs-its-units-there": "yes",
    "other-groups-are-seen": "no",
    "release-agent-is-there": "no",
    "host-files-are-mounted": "no",
    "a-device-can-be-made": "no",
    "something-can-be-mounted": "no",
    "sysctls-are-writable": "no",
    "the-clock-can-be-set": "no",
    "modules-can-be-loaded": "no",
}
# What runs a machine (systemd, sshd, sudo), and what moves its addresses and cuts its network.
CAPABILITIES = {
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("NET_BIND_SERVICE", "NET_ADMIN", "NET_RAW", "SYS_CHROOT", "AUDIT_WRITE"),
}
BITS = {
    **{0: "CHOWN", 1: "DAC_OVERRIDE", 3: "FOWNER", 4: "FSETID", 5: "KILL", 6: "SETGID", 7: "SETUID", 8: "SETPCAP"},
    **{10: "NET_BIND_SERVICE", 12: "NET_ADMIN", 13: "NET_RAW", 18: "SYS_CHROOT", 29: "AUDIT_WRITE"},
}


def see_that_it_is_apart(lab: LiveLab, *nodes: str) -> None:
    """See, from inside, that none of NODES reaches more of its host than a node has to."""
    memory = {node["name"]: node["memory"] for node in lab.labgen.json("show", lab.name)["nodes"]}
    for node in nodes:
        seen = dict(line.split() for line in lab.exec(node, "bash", "-c", LOOK).splitlines())
        wrong = {claim: answer for claim, answer in seen.items() if answer != APART[claim]}
        assert (node, wrong, len(seen)) == (node, {}, len(APART)), wrong
        status = dict(line.split(":", 1) for line in lab.exec(node, "cat", "/proc/1/status").splitlines())
        bound = int(status["CapBnd"], 16)
        assert {BITS.get(bit, str(bit)) for bit in range(64) if bound >> bit & 1} <= CAPABILITIES, node
        limits = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", lab.container(node)))
        assert limits["Memory"] == memory[node] << 20
        assert limits["PidsLimit"] == 4 * memory[node]
        assert limits["Privileged"] is False
        assert limits["SecurityOpt"] in (None, [])


def control_groups(lab: str) -> list[str]:
    """The control groups of this host that a container of LAB has, or has left behind."""
    shapes = (f"labgen-{lab}-*", f"labgen_{lab.replace('-', '_')}_*.slice")
    return [str(group) for shape in shapes for group in Path("/sys/fs/cgroup").rglob(shape)]
