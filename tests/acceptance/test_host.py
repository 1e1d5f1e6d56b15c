"""A host as Debian 13 is by itself: systemd, cgroup v2 alone, docker. A node boots there, kept apart.

The host is a virtual machine made for this. Emulated (without KVM) all takes about twelve minutes.
"""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labgen.providers.libvirt import kvm_usable
from tests.apart import APART, LOOK
from tests.live import Cli, Done, docker, run, until

pytestmark = [pytest.mark.docker, pytest.mark.libvirt, pytest.mark.timeout(3600)]

MEMORY = 384  # MiB, of the node
CONTAINER = "labgen-alone-etcd"
BLUEPRINT = f"""\
name: alone
title: One member of etcd
network: {{cidr: 192.168.61.0/24}}
nodes:
  - {{name: etcd, address: 192.168.61.11, memory: {MEMORY}, components: [etcd]}}
profiles:
  plain: {{os: debian-13, summary: Debian 13}}
"""
SET_DRIVER = """\
echo '{"exec-opts": ["native.cgroupdriver=%s"]}' >/etc/docker/daemon.json
systemctl restart docker
docker info --format '{{.CgroupDriver}} {{.CgroupVersion}}'
"""
# How many processes can be had; they end with the service.
FORKS = "for (1..5000) { my $p = fork; defined $p or print($_) && exit; $p or sleep(300) && exit }"
FORGET = """\
cd lab && vagrant halt
systemctl stop 'labgen*.slice'
find /sys/fs/cgroup/labgen* -depth -type d -exec rmdir {} +
"""
WHAT_IS_LEFT = """\
find /sys/fs/cgroup -name '*labgen*'
systemctl list-units --all --plain --no-legend '*labgen*' 'docker-*.scope'
docker ps --all --quiet
docker network ls --quiet --filter label=labgen.lab
"""


@dataclass(frozen=True)
class Host:
    """The machine, and the way into it as root."""

    folder: Path
    port: int

    @property
    def qemu(self) -> list[str]:
        disk, console = self.folder / "disk", self.folder / "console.log"
        accelerated = (
            ["-accel", "kvm", "-cpu", "host"] if kvm_usable() else ["-accel", "tcg,thread=multi", "-cpu", "max"]
        )
        return [
            *("qemu-system-x86_64", *accelerated, "-smp", "2", "-m", "4096", "-nodefaults", "-display", "none"),
            *("-kernel", str(self.folder / "kernel"), "-initrd", str(self.folder / "initrd")),
            *("-append", "root=/dev/vda rw net.ifnames=0 console=ttyS0", "-serial", f"file:{console}"),
            *("-drive", f"file={disk},format=raw,if=virtio,cache=unsafe", "-device", "virtio-rng-pci"),
            *("-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{self.port}-:22"),
        ]

    def ask(self, script: str) -> Done:
        options = {"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "ConnectTimeout": "20"}
        words = ["ssh", "-q", "-i", str(self.folder / "key"), "-p", str(self.port), "root@127.0.0.1"]
        words += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return run(*words, script, timeout=900)

    def run(self, script: str) -> str:
        """What SCRIPT prints; it must succeed."""
        done = self.ask(script)
        assert done.rc == 0, f"{script}\n{done.said[-4000:]}"
        return done.stdout.strip()

    def node(self, *words: str) -> Done:
        """How a command ends on the node."""
        return self.ask(shlex.join(("docker", "exec", CONTAINER, *words)))


@pytest.fixture(scope="module")
def host(labgen: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The host, with a rendered lab and the node's image in root's home."""
    folder = tmp_path_factory.mktemp("host")
    blueprint, lab = folder / "alone.yml", folder / "root" / "lab"
    blueprint.write_text(BLUEPRINT)
    labgen("image", "build", str(blueprint), "--provider", "docker")
    labgen("render", str(blueprint), "--provider", "docker", "-o", str(lab))
    image = re.findall(r"image: '(labgen/\S+)'", (lab / "Vagrantfile").read_text())[0]
    docker("save", image, "--output", str(lab.parent / "image.tar"))
    made = run("bash", str(Path(__file__).with_name("host.sh")), str(folder), timeout=1200)
    assert made.rc == 0, made.said[-4000:]
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = Host(folder, free.getsockname()[1])
    machine = subprocess.Popen(host.qemu, stdin=subprocess.DEVNULL)
    try:
        until("the host answers", 600, lambda: machine.poll() is not None or host.ask("docker version").rc == 0)
        host.run("docker load --quiet --input image.tar")
        yield host
    finally:
        machine.kill()
        machine.wait()
        shutil.rmtree(folder)


@pytest.fixture(scope="module", params=["systemd", "cgroupfs"])
def up(host: Host, request: pytest.FixtureRequest) -> Iterator[Host]:
    """The host with the node up, while docker makes groups by each of its drivers."""
    assert host.run(SET_DRIVER % request.param).splitlines()[-1] == f"{request.param} 2"
    host.run("cd lab && vagrant up")
    yield host
    host.run("cd lab && ./destroy.sh")


def test_systemd_runs_on_the_node(up: Host) -> None:
    assert up.node("systemctl", "is-system-running", "--wait").stdout.strip() == "running"
    assert up.node("systemctl", "is-active", "etcd").stdout.strip() == "active"


def test_the_node_sees_its_own_groups_and_no_others(up: Host) -> None:
    assert dict(line.split() for line in up.node("bash", "-c", LOOK).stdout.splitlines()) == APART


def test_it_boots_again_after_the_host(up: Host) -> None:
    """A host's groups are gone with it; here only the node's are."""
    up.run(FORGET)
    up.run("cd lab && vagrant up")
    test_systemd_runs_on_the_node(up)
    test_the_node_sees_its_own_groups_and_no_others(up)


def test_memory_and_processes_end_where_the_blueprint_says(up: Host) -> None:
    assert up.node("perl", "-e", f"'x' x ({2 * MEMORY} << 20)").rc == 137
    service = ("systemd-run", "--quiet", "--wait", "--pipe", "--property=TasksMax=infinity")
    forks = int(up.node(*service, "perl", "-e", FORKS.replace("$", "$$")).stdout)
    assert 4 * MEMORY - 100 < forks < 4 * MEMORY


def test_destroy_leaves_nothing(up: Host) -> None:
    up.run("cd lab && ./destroy.sh")
    assert up.run(WHAT_IS_LEFT) == ""
