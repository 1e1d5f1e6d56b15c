"""The floor under `labgen up`: the same images and configuration files, started by hand as fast as it goes.

No Vagrant, no SSH, no rendering, no lock, no journal, no check, nothing kept for a second run: containers are run side
by side, each node's files go in as one ready-made archive, and services are started in the order that is known to be
best: the DCS, Patroni's leader, then the replicas (whose arrival wakes the leader's loop), then what leads to them.
Done means what a lab promises: the leader's REST interface says so, all replicas stream, and the way in leads there.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.common import remove

PREFIX = "labgen-floor-"
NETWORK = "labgen-floor"
PATIENCE = 120  # seconds for any one thing
OPTIONS = [  # what a container needs to run systemd; labgen keeps it apart from its host, which costs no time
    *("--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"),  # noqa: S108
    *("--stop-signal", "SIGRTMIN+3", "--cap-drop", "MKNOD", "--cap-add", "NET_ADMIN"),
    *("--sysctl", "net.ipv4.ip_nonlocal_bind=1", "--shm-size", "256m"),
]

LEADER = "leader"
"""What is waited for besides components: the first of Patroni's nodes leads."""

ORDERS: Mapping[str, Mapping[str, str]] = {
    "consul-pgbouncer": {"consul": "", "patroni": "", "floating-ip": "", "pgbouncer": LEADER},
    "etcd-haproxy": {"etcd": "", "patroni": "etcd", "haproxy": "patroni"},
    "etcd-haproxy-keepalived": {"etcd": "", "patroni": "etcd", "haproxy": "patroni", "keepalived": ""},
    "etcd-patroni-ops": {"etcd": "", "patroni": "etcd"},
    "liman-etcd-haproxy": {"etcd": "", "patroni": "etcd", "haproxy": "patroni", "liman": "haproxy"},
}
"""Blueprint → components in the order in which each node starts those that it has; each with the component that has to
be ready on all its nodes before, or LEADER. What is not listed (consul-template) is started by one that needs it."""

READY = "until systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; do sleep 0.05; done"
BY_HAND: Mapping[str, str] = {
    "consul": """
systemctl daemon-reload
systemctl start consul
until curl -fs http://127.0.0.1:8500/v1/status/leader | grep -q :; do sleep 0.05; done
""",
    "etcd": """
systemctl start etcd
until ETCDCTL_API=3 etcdctl --endpoints=http://127.0.0.1:2379 endpoint health; do sleep 0.05; done
""",
    "patroni": """
if [[ $PATRONI_ARCHIVE ]]; then
  install -d -o postgres -g postgres "${PATRONI_ARCHIVE%/*}" "$PATRONI_ARCHIVE"
fi
systemctl start patroni
api=http://$LABGEN_ADDRESS:8008
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
""",
    "floating-ip": """
curl -fsX PUT -d "$FLOATING_IP/$LABGEN_PREFIX" "http://127.0.0.1:8500/v1/kv/$FLOATING_IP_KEY"
systemctl start consul-template floating-ip.timer
until read -r leader _ </run/consul-template/floating-ip; do sleep 0.05; done 2>/dev/null
[[ $leader != "$HOSTNAME" ]] || until [[ $(ip -o -4 address show to "$FLOATING_IP/32") ]]; do sleep 0.05; done
""",
    "pgbouncer": """
systemctl start consul-template
until [[ -s /var/lib/consul-template/pgbouncer-databases.ini ]]; do sleep 0.05; done
systemctl start pgbouncer
export PGPASSFILE=/etc/pgbouncer/app.pgpass
writable() { psql -XAtw -h "$LABGEN_ADDRESS" -p "$PGBOUNCER_PORT" -U app -d app -c 'select pg_is_in_recovery()'; }
until [[ $(writable 2>/dev/null) == f ]]; do sleep 0.05; done
""",
    # Columns 18 and 37 of HAProxy's table: whether a server is up, and what the last look at it gave.
    "haproxy": """
systemctl start haproxy
leads() {
  socat -t 5 stdio unix-connect:/run/haproxy/admin.sock <<<'show stat' | awk -F, -v route="$1" -v n="$HAPROXY_SERVERS" '
    $1 == route && $2 != "FRONTEND" && $2 != "BACKEND" { seen += $37 !~ /INI/; up += $18 ~ /^UP/ }
    END { exit !(seen == n && (route == "primary" ? up == 1 : up >= 1)) }'
}
for route in $HAPROXY_ROUTES; do
  until leads "$route"; do sleep 0.05; done
done
""",
    "keepalived": """
systemctl start keepalived
interface=$(ip -o -4 address show to "$LABGEN_ADDRESS/32" | awk '{ print $2 }')
until [[ $(ip -o -4 address show to "$KEEPALIVED_VIP/32") ]] ||
  ! arping -q -D -c 1 -w 1 -I "$interface" "$KEEPALIVED_VIP"; do sleep 0.05; done
""",
    "liman": """
systemctl start liman
until curl -fs "$LIMAN_HEALTH"; do sleep 0.05; done
""",
}
"""Component → how it is started and waited for by hand, with the values of the node's own environment file."""


class Gates:
    """What nodes wait for: everything of a kind, each opened when as many have passed as there are."""

    def __init__(self, expected: Mapping[str, int]) -> None:
        self._left = dict(expected)
        self._changed = threading.Condition()
        self._broken = False

    def wait(self, what: str) -> None:
        """Until all of WHAT is there; raises SystemExit where somebody failed, or it takes too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._broken or self._left[what] <= 0, PATIENCE) or self._broken:
                raise SystemExit(f"the floor: waited in vain for {what}")

    def passed(self, what: str) -> None:
        """One of WHAT is there."""
        with self._changed:
            self._left[what] -= 1
            self._changed.notify_all()

    def break_(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._broken = True
            self._changed.notify_all()


class Floor:
    """One lab of BLUEPRINT by hand, from a folder that `labgen render` wrote."""

    def __init__(self, rendered: Path, blueprint: str) -> None:
        self.order = ORDERS[blueprint]
        text = (rendered / "Vagrantfile").read_text()
        self.addresses, self.images = nodes_of(text)
        self.subnet = cidr_of(text)
        self.archives = {name: archive(rendered / "nodes" / name) for name in self.images}
        self.services = {name: services(rendered / "nodes" / name, self.order) for name in self.images}
        self.first = next(name for name, own in self.services.items() if "patroni" in own)
        self.gates = self._gates()

    def up(self) -> float:
        """Seconds from nothing to healthy."""
        self.gates = self._gates()
        began = time.monotonic()
        docker("network", "create", "--subnet", self.subnet, NETWORK)
        with ThreadPoolExecutor(len(self.images)) as pool:
            try:
                list(pool.map(self._node, self.images))
            except BaseException:
                self.gates.break_()
                raise
        return time.monotonic() - began

    def down(self) -> None:
        """Remove everything; nothing may be there."""
        containers = (PREFIX + name for name in self.images)
        remove(("docker", "rm", "-fv", *containers), ("docker", "network", "rm", NETWORK))

    def _gates(self) -> Gates:
        counts = {component: sum(component in own for own in self.services.values()) for component in self.order}
        return Gates({**counts, LEADER: 1})

    def _node(self, name: str) -> None:
        try:
            self._boot(name)
            for component, environment in self.services[name].items():
                if before := self.order[component]:
                    self.gates.wait(before)
                first = component == "patroni" and name == self.first
                if component == "patroni" and not first:
                    self.gates.wait(LEADER)
                self._in(name, f"set -a\n{environment}\nset +a\n{BY_HAND[component]}", FIRST="yes" if first else "")
                if first:
                    self.gates.passed(LEADER)
                self.gates.passed(component)
        except BaseException:
            self.gates.break_()
            raise

    def _boot(self, name: str) -> None:
        address = self.addresses[name]
        docker(
            *("run", "--detach", "--name", PREFIX + name, "--hostname", name, "--network", NETWORK, "--ip", address),
            *OPTIONS,
            self.images[name],
        )
        self._in(name, READY)
        docker("exec", "-i", PREFIX + name, "tar", "-x", "-C", "/", "-f", "-", given=self.archives[name])

    def _in(self, name: str, script: str, **values: str) -> None:
        words = [word for key, value in values.items() for word in ("-e", f"{key}={value}")]
        docker("exec", "-i", *words, PREFIX + name, "timeout", str(PATIENCE), "bash", "-e", given=script.encode())


def nodes_of(vagrantfile: str) -> tuple[dict[str, str], dict[str, str]]:
    """Node → address and node → image, from the Vagrantfile, which has them all."""
    line = r'name: [\'"]([^\'"]+)[\'"], address: [\'"]([^\'"]+)[\'"].* image: [\'"]([^\'"]+)'
    found = re.findall(line, vagrantfile)
    return {name: address for name, address, _ in found}, {name: image for name, _, image in found}


def cidr_of(vagrantfile: str) -> str:
    """The lab's range."""
    found = re.search(r"""^CIDR = ['"](.+)['"]$""", vagrantfile, re.MULTILINE)
    if not found:
        raise SystemExit("the Vagrantfile names no network")
    return found[1]


def services(node: Path, order: Mapping[str, str]) -> dict[str, str]:
    """Component → environment, of what a node starts, in ORDER."""
    return {name: (node / name / "env").read_text() for name in order if (node / name).is_dir()}


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
