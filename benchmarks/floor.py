"""The floor under `labgen up`: the same images and configuration files, started by hand as fast as it goes.

No Vagrant, no SSH, no rendering, no lock, no journal, no check, nothing kept for a second run: containers are run side
by side, each node's files go in as one ready-made archive, and services are started in the order that is known to be
best (Patroni's leader first, then the replicas, whose arrival wakes the leader's loop). Done means what a lab promises:
the leader's REST interface says so, two replicas stream, PgBouncer leads to it, the floating IP is on it.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PREFIX = "labgen-floor-"
NETWORK = "labgen-floor"
OPTIONS = [  # what Vagrantfile.j2 gives a container
    *("--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"),  # noqa: S108
    *("--stop-signal", "SIGRTMIN+3", "--cap-drop", "MKNOD", "--cap-add", "NET_ADMIN"),
    *("--sysctl", "net.ipv4.ip_nonlocal_bind=1", "--shm-size", "256m"),
]

READY = "until systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do sleep 0.05; done"
CONSUL = """
systemctl daemon-reload
systemctl start consul
until curl -fs http://127.0.0.1:8500/v1/status/leader | grep -q :; do sleep 0.05; done
"""
PATRONI = """
systemctl start patroni
api=http://$ADDRESS:8008
member() { curl -fs "$api/cluster" | jq -e --arg me "$HOSTNAME" "any(.members[]; .name == \\$me and $1)"; }
if [[ $FIRST ]]; then
  until curl -fs "$api/primary"; do sleep 0.05; done
else
  until member true; do sleep 0.05; done
  leader=$(curl -fs "$api/cluster" | jq -r '.members[] | select(.role == "leader").api_url | rtrimstr("/patroni")')
  curl -fs -K /etc/patroni/rest-api.curl -X PATCH -d '{"loop_wait": 10}' "$leader/config"
  until member '(.state == "streaming" or .state == "running")'; do sleep 0.05; done
  until curl -fs "$leader/patroni" | jq -e --arg me "$HOSTNAME" 'any(.replication[]?; .application_name == $me)'; do
    sleep 0.05
  done
fi
"""
FLOATING_IP = """
curl -fsX PUT -d "$FLOATING/24" http://127.0.0.1:8500/v1/kv/service/postgres/floating-ip
systemctl start consul-template floating-ip.timer
until read -r leader _ </run/consul-template/floating-ip; do sleep 0.05; done 2>/dev/null
[[ $leader != "$HOSTNAME" ]] || until [[ $(ip -o -4 address show to "$FLOATING/32") ]]; do sleep 0.05; done
"""
PGBOUNCER = """
systemctl start consul-template
until [[ -s /var/lib/consul-template/pgbouncer-databases.ini ]]; do sleep 0.05; done
systemctl start pgbouncer
export PGPASSFILE=/etc/pgbouncer/app.pgpass
until [[ $(psql -XAtw -h "$ADDRESS" -p 6432 -U app -d app -c 'select pg_is_in_recovery()' 2>/dev/null) == f ]]; do
  sleep 0.05
done
"""


class Floor:
    """One lab by hand, from a folder that `labgen render` wrote."""

    def __init__(self, rendered: Path) -> None:
        nodes = re.findall(
            r'name: [\'"]([^\'"]+)[\'"], address: [\'"]([^\'"]+)[\'"].* image: [\'"]([^\'"]+)', text(rendered)
        )
        self.images = {name: image for name, _, image in nodes}
        self.addresses = {name: address for name, address, _ in nodes}
        self.subnet = re.sub(r"\d+$", "0/24", nodes[0][1])
        self.archives = {name: archive(rendered / "nodes" / name) for name in self.images}
        self.floating = re.sub(r"\d+$", "55", nodes[0][1])
        self.led = threading.Event()

    def up(self) -> float:
        """Seconds from nothing to healthy."""
        self.led.clear()
        began = time.monotonic()
        docker("network", "create", "--subnet", self.subnet, NETWORK)
        with ThreadPoolExecutor(len(self.images)) as pool:
            list(pool.map(self._node, self.images))
        return time.monotonic() - began

    def down(self) -> None:
        """Remove everything; nothing may be there."""
        subprocess.run(
            ["docker", "rm", "-fv", *(PREFIX + name for name in self.images)], capture_output=True, check=False
        )
        subprocess.run(["docker", "network", "rm", NETWORK], capture_output=True, check=False)

    def _node(self, name: str) -> None:
        address = self.addresses[name]
        docker(
            *("run", "--detach", "--name", PREFIX + name, "--hostname", name, "--network", NETWORK, "--ip", address),
            *OPTIONS,
            self.images[name],
        )
        self._in(name, READY)
        docker("exec", "-i", PREFIX + name, "tar", "-x", "-C", "/", "-f", "-", given=self.archives[name])
        self._in(name, CONSUL)
        kind = re.sub(r"\d+$", "", name)
        if kind == "pg-patroni":
            first = name == "pg-patroni1"
            if not first:
                self.led.wait(120)
            self._in(name, PATRONI, FIRST="yes" if first else "")
            self.led.set()
            self._in(name, FLOATING_IP)
        elif kind == "pgbouncer":
            self.led.wait(120)
            self._in(name, PGBOUNCER)

    def _in(self, name: str, script: str, **values: str) -> None:
        given = {"ADDRESS": self.addresses[name], "FLOATING": self.floating, **values}
        words = [word for key, value in given.items() for word in ("-e", f"{key}={value}")]
        docker("exec", "-i", *words, PREFIX + name, "timeout", "120", "bash", "-e", given=script.encode())


def text(rendered: Path) -> str:
    """The Vagrantfile, which has every node's name, address and image."""
    return (rendered / "Vagrantfile").read_text()


def archive(node: Path) -> bytes:
    """All files of a node with their owners and modes, to be unpacked at its root."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for listing in sorted(node.glob("*/files.list")):
            for line in listing.read_text().splitlines():
                mode, owner, path = line.split(maxsplit=2)
                content = (listing.parent / "files" / path.lstrip("/")).read_bytes()
                member = tarfile.TarInfo(path.lstrip("/"))
                member.size, member.mode, member.mtime = len(content), int(mode, 8), int(time.time())
                member.uname, member.gname = owner.split(":")
                tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def docker(*words: str, given: bytes | None = None) -> None:
    done = subprocess.run(["docker", *words], input=given, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(words)} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
