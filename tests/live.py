"""A lab as its user has it: driven through the command line, looked at through the provider's own tools."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LABGEN = (sys.executable, "-m", "labgen")
SUBNET = os.environ.get("TEST_SUBNET", "192.168.60")
"""Another one than the document's lets the tests run beside a lab of one's own."""
ON_SUBNET = ("--set", f"network.cidr={SUBNET}.0/24")
NODES = {
    "consul-node1": f"{SUBNET}.2",
    "consul-node2": f"{SUBNET}.3",
    "consul-node3": f"{SUBNET}.4",
    "pg-patroni1": f"{SUBNET}.11",
    "pg-patroni2": f"{SUBNET}.12",
    "pg-patroni3": f"{SUBNET}.13",
    "pgbouncer": f"{SUBNET}.14",
}
PATRONI = ("pg-patroni1", "pg-patroni2", "pg-patroni3")
PGBOUNCER = (f"{SUBNET}.14", 6432)
FLOATING = (f"{SUBNET}.55", 5432)
BLUEPRINT = "consul-pgbouncer"
LEADER = "select not pg_is_in_recovery()"
"""Answered with `t` by a server that takes writes."""
WHERE = "select host(inet_server_addr())"
"""Answered with the address at which the server was reached."""
# How long an outage may last is judged where a machine has nothing else to do, and not in a test.
UNTIMED = ("--set", "expect.outage=120", "--set", "expect.paths={}")
# Patroni's configuration knows the superuser's password, so that no test has to tell it.
AS_SUPERUSER = """
export PGCONNECT_TIMEOUT=5 PGPASSWORD="$(python3 -c '
import yaml
print(yaml.safe_load(open("/etc/patroni/config.yml"))["postgresql"]["authentication"]["superuser"]["password"])')"
exec psql -XAtq -U postgres "$@"
"""


@dataclass(frozen=True)
class Done:
    """How a program ended."""

    rc: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Cli:
    """`labgen` with a state folder of its own; the cache with its images is the machine's."""

    state: Path

    @property
    def environment(self) -> dict[str, str]:
        # The developer's own LABGEN_PROVIDER and the like must not decide what is tested.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LABGEN_")}
        if cache := os.environ.get("LABGEN_CACHE"):
            kept["LABGEN_CACHE"] = cache
        return {**kept, "LABGEN_STATE": str(self.state)}

    def __call__(
        self, *words: str, expect: int | None = 0, timeout: float = 1800, environment: Mapping[str, str] | None = None
    ) -> Done:
        """Run labgen and see that it ends with the exit code EXPECT (None: with any)."""
        done = run(*LABGEN, *words, timeout=timeout, environment={**self.environment, **(environment or {})})
        if expect is not None:
            assert done.rc == expect, f"labgen {' '.join(words)} ended with {done.rc}, not {expect}\n{done.said}"
        return done

    def json(self, *words: str, expect: int | None = 0) -> Any:
        """What labgen prints as JSON."""
        return json.loads(self(*words, "--json", expect=expect).stdout)

    @contextmanager
    def started(self, *words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """labgen in the background, in a process group of its own as a shell would give it, its output in LOG."""
        with log.open("wb") as out:
            child = subprocess.Popen(
                [*LABGEN, *words],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield child
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def folder(self, lab: str) -> Path:
        return self.state / "labs" / lab


@dataclass
class LiveLab:
    """One lab that exists, and the questions that tests ask it.

    made_from: blueprint and options, if not the tests' usual ones. patroni: its Patroni nodes with their addresses.
    """

    labgen: Cli
    name: str
    made_from: tuple[str, ...] = (BLUEPRINT, *ON_SUBNET)
    patroni: Mapping[str, str] = field(default_factory=lambda: {node: NODES[node] for node in PATRONI})
    argv_seen: set[str] = field(default_factory=set)
    first_up: Done | None = None

    @property
    def folder(self) -> Path:
        return self.labgen.folder(self.name)

    def up_words(self, *options: str) -> tuple[str, ...]:
        """The command line that brings this lab up."""
        return ("up", *self.made_from, "--name", self.name, *options)

    def up(self, *options: str, expect: int | None = 0) -> Done:
        return self.labgen(*self.up_words(*options), expect=expect, timeout=5400)

    def container(self, node: str) -> str:
        return f"labgen-{self.name}-{node}"

    def exec(self, node: str, *words: str, expect: int | None = 0) -> str:
        """What a command prints on a node, without the newline at its end."""
        return self.labgen("exec", self.name, node, "--", *words, expect=expect, timeout=120).stdout.rstrip("\n")

    def members(self) -> dict[str, dict[str, Any]]:
        """Patroni's members by name, from the REST interface of the first that answers."""
        for node, address in self.patroni.items():
            ask = f"http://{address}:8008/cluster"
            answer = self.labgen("exec", self.name, node, "--", "curl", "-fsSm5", ask, expect=None, timeout=60)
            if answer.rc == 0:
                return {member["name"]: member for member in json.loads(answer.stdout)["members"]}
        return {}

    def leader(self) -> str:
        """The node that leads now; empty if none does."""
        return next((name for name, about in self.members().items() if about["role"] == "leader"), "")

    def psql(self, host: str, port: int, sql: str) -> str:
        """What the application gets for SQL, asked from the PgBouncer node."""
        words = ["env", "PGPASSFILE=/etc/pgbouncer/app.pgpass", "PGCONNECT_TIMEOUT=5", "psql", "-XAtqw"]
        words += ["-h", host, "-p", str(port), "-U", "app", "-d", "app", "-c", sql]
        return self.exec("pgbouncer", *words)

    def ask_superuser(self, source: str, host: str, port: int, statement: str, expect: int | None = 0) -> Done:
        """What the superuser gets for STATEMENT at HOST, asked from the Patroni node SOURCE."""
        words = ("sh", "-c", AS_SUPERUSER, "sh", "-h", host, "-p", str(port), "-c", statement)
        return self.labgen("exec", self.name, source, "--", *words, expect=expect, timeout=120)

    def superuser(self, source: str, host: str, port: int, statement: str) -> str:
        """The same, without the newline at the end."""
        return self.ask_superuser(source, host, port, statement).stdout.rstrip("\n")

    def leads(self, source: str, host: str, port: int) -> bool:
        """Whether a server that takes writes answers the superuser at HOST."""
        return self.ask_superuser(source, host, port, LEADER, expect=None).stdout.strip() == "t"

    def holders(self, address: str) -> list[str]:
        """The Patroni nodes that have ADDRESS on an interface."""
        return [
            member
            for member in self.members()
            if f" {address}/" in self.exec(member, "ip", "-4", "-o", "address", "show", expect=None)
        ]

    def switchover(self, new: str) -> None:
        """Have Patroni hand over to NEW, as a DBA would."""
        config, old = ("patronictl", "-c", "/etc/patroni/config.yml"), self.leader()
        # Patroni 4 calls the option --leader, Patroni 2 --master.
        option = "--leader" if "--leader" in self.exec(old, *config, "switchover", "--help") else "--master"
        self.exec(old, *config, "switchover", option, old, "--candidate", new, "--force")

    def led_by(self, leader: str, settle: float = 120) -> None:
        """See that both ways in end at LEADER and that the whole lab is healthy."""
        self.verify(settle)
        assert self.leader() == leader
        assert self.psql(*PGBOUNCER, WHERE) == NODES[leader]
        assert self.psql(*PGBOUNCER, LEADER) == "t"
        assert self.psql(*FLOATING, LEADER) == "t"
        assert self.holders(FLOATING[0]) == [leader]

    def verify(self, settle: float = 0) -> dict[str, Any]:
        """A report in which every check passed."""
        done = self.labgen("verify", self.name, "--json", "--settle", str(settle), expect=None)
        report: dict[str, Any] = json.loads(done.stdout)
        failed = [f"{c['name']}: {c['detail']}" for c in report["checks"] if c["status"] != "pass"]
        assert done.rc == 0, "\n".join(failed)
        assert report["passed"] is True
        return report

    def drill(self, *words: str, expect: int = 0, timeout: float = 300) -> dict[str, Any]:
        """What a drill came to; the same comes from its log, and nothing is left to heal."""
        done = self.labgen("drill", "run", self.name, *words, "--json", expect=None, timeout=timeout)
        assert done.rc == expect, done.said
        found: dict[str, Any] = json.loads(done.stdout)
        assert not (self.folder / "drill.json").exists()
        again = self.labgen.json("drill", "recheck", found["log"], expect=expect)
        assert again == found
        return found

    def secrets(self) -> list[str]:
        """Every secret of the lab."""
        kept = json.loads((self.folder / "secrets.json").read_text())
        return [value for values in kept.values() for value in values.values()]

    def step_starts(self) -> str:
        """The journal of finished steps as it stands."""
        return (self.folder / "journal.jsonl").read_text()

    def vagrant_calls(self) -> list[str]:
        """A name for each time that labgen has called Vagrant for this lab."""
        return sorted(path.name for path in (self.folder / "logs").glob("vagrant-*.log"))


def run(
    *words: str, timeout: float = 300, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Done:
    """Run a program to its end."""
    began = time.monotonic()
    done = subprocess.run(
        words,
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def docker(*words: str) -> str:
    """What docker prints; it must succeed."""
    done = run("docker", *words)
    assert done.rc == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


def paths(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The paths of a drill's figures, by name."""
    return {path["path"]: path for path in found["paths"]}


def until(what: str, seconds: float, holds: Callable[[], object]) -> None:
    """Wait until HOLDS gives something true; fails naming WHAT."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)


def command_lines() -> dict[int, str]:
    """The command line of every process on this machine, those in containers too."""
    lines = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended meanwhile
    return lines


@contextmanager
def watched_command_lines(seen: set[str]) -> Iterator[None]:
    """Notes every command line that shows up on this machine meanwhile."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.3):
            seen.update(command_lines().values())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def processes_about(text: str) -> list[str]:
    """The command lines that hold TEXT, this process and its ancestors aside."""
    own = {os.getpid(), os.getppid()}
    return [line for pid, line in command_lines().items() if pid not in own and text in line]


def docker_things(lab: str) -> list[str]:
    """Containers, networks and volumes that belong to LAB."""
    things = []
    for kind in ("container", "network", "volume"):
        word = "{{.Names}}" if kind == "container" else "{{.Name}}"
        listed = docker(kind, "ls", *(["--all"] if kind == "container" else []), "--format", word).splitlines()
        things += [f"{kind} {name}" for name in listed if re.match(rf"labgen-{re.escape(lab)}(-|$)", name)]
    return things


def libvirt_things(lab: str) -> list[str]:
    """The lines of `virsh` about domains, networks and disks of LAB."""
    lines = []
    for words in (("list", "--all"), ("net-list", "--all"), ("vol-list", "default")):
        done = run("virsh", "-c", "qemu:///system", *words)
        assert done.rc == 0, f"virsh {' '.join(words)}: {done.stderr}"
        lines += [line for line in done.stdout.splitlines() if f"labgen-{lab}" in line]
    return lines
