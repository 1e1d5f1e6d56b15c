"""The one Vagrantfile template, rendered for each provider; Ruby itself checks the syntax where it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from labgen.lab.model import Lab, LabNetwork
from labgen.plan import StepId
from labgen.providers import get_provider, provider_names
from labgen.render.provisioners import Provisioners
from labgen.render.vagrantfile import render_vagrantfile
from labgen.resources import resource

VARIANTS = [("docker", None), ("libvirt", None), ("libvirt", "vendor/debian12"), ("virtualbox", "vendor/debian12")]


def rendered(
    provider: str,
    box: str | None = None,
    name: str = "sample",
    fragment: Path | None = None,
    os: str = "debian-13",
) -> dict[str, str]:
    """The Vagrantfile and what lies beside it, by path."""
    nodes = (
        SimpleNamespace(name="one", address="192.168.60.2", memory=512, cpus=1),
        SimpleNamespace(name="two", address="192.168.60.3", memory=768, cpus=2),
    )
    network = LabNetwork("192.168.60.0/24", 24)
    lab = cast(Lab, SimpleNamespace(name=name, provider=provider, os=os, network=network, box=box, nodes=nodes))
    first = StepId("one", "agent", "start")
    steps: Provisioners = {"one": [(first, [])], "two": [(StepId("two", "agent", "start"), [first])]}
    images = {} if box else {"one": "labgen/debian-13:abc", "two": "labgen/debian-13:def"}
    if fragment is None and provider in provider_names():
        fragment = get_provider(provider).vagrantfile
    files = render_vagrantfile(lab, steps, images, fragment=fragment, driver="qemu", boot_timeout=600)
    return {path: file.text for path, file in files.items()}


def render(provider: str, box: str | None = None, name: str = "sample") -> str:
    """All of it that is Ruby, in the order in which Vagrant reads it."""
    files = rendered(provider, box, name)
    beside = [text for path, text in files.items() if path.endswith(".rb")]
    return "\n".join([*beside, files["Vagrantfile"]])


@pytest.mark.parametrize(("provider", "box"), VARIANTS)
def test_every_variant_is_ruby(provider: str, box: str | None) -> None:
    for path, text in rendered(provider, box).items():
        assert path != "Vagrantfile" or "{{" not in text
        assert "{%" not in text
        if path.endswith(".sh"):
            continue
        if ruby := shutil.which("ruby"):
            done = subprocess.run([ruby, "-wc"], input=text, capture_output=True, text=True, check=False)
            assert (done.stdout.strip(), done.stderr) == ("Syntax OK", ""), path


def test_a_student_meets_the_machines_first() -> None:
    """What reopens Vagrant's classes is not in the Vagrantfile; the providers' fragments are all that differs."""
    text = rendered("docker")["Vagrantfile"]
    assert not re.search(r"prepend|^ *(module|class) ", text, re.MULTILINE)
    assert text.index("NODES = [") < text.index("Vagrant.configure") < text.index("STEPS = {")
    assert text.count("\n") <= 90
    assert "lab.provider ==" not in resource("Vagrantfile.j2").read_text()


def test_the_ruby_beside_it_is_there_before_it() -> None:
    """A folder that was half written must not have a Vagrantfile that cannot be read."""
    files = list(rendered("docker"))
    assert files[-1] == "Vagrantfile"
    required = re.findall(r"^require_relative '(.*)'", rendered("docker")["Vagrantfile"], re.MULTILINE)
    assert [f"{path}.rb" for path in required] == [path for path in files if path.endswith(".rb")]
    assert required[0] == "vagrant/steps"


@pytest.mark.skipif(not shutil.which("vagrant"), reason="Vagrant is not installed")
@pytest.mark.parametrize(("provider", "box"), [("docker", None), ("virtualbox", "vendor/debian12")])
def test_vagrant_accepts_it(provider: str, box: str | None, tmp_path: Path) -> None:
    keys = {"keys/lab_ed25519": "private\n", "keys/lab_ed25519.pub": "ssh-ed25519 AAAA lab\n"}
    for path, text in {**rendered(provider, box), **keys}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    environment = {**os.environ, "VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_NO_PLUGINS": "1"}
    words = ["vagrant", "validate", "--ignore-provider"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize(("provider", "box"), VARIANTS)
def test_no_port_is_opened_and_no_folder_shared(provider: str, box: str | None) -> None:
    text = render(provider, box)
    assert all("disabled: true" in line for line in text.splitlines() if "forwarded_port" in line)
    assert "public_network" not in text
    assert re.findall(r"vm\.synced_folder.*", text) == ["vm.synced_folder '.', '/vagrant', disabled: true"]


@pytest.mark.parametrize(("provider", "box"), VARIANTS)
def test_only_its_own_provider_is_spoken_of(provider: str, box: str | None) -> None:
    blocks = re.findall(r"vm\.provider :(\w+)", render(provider, box))
    assert blocks == [provider]


def test_containers_get_one_capability_more_and_two_less() -> None:
    text = render("docker")
    assert "privileged" not in text.replace("privileged: false", "")
    assert re.findall(r"'--(cap-\w+)', '(\w+)'", text) == [
        ("cap-drop", "MKNOD"),
        ("cap-drop", "SETFCAP"),
        ("cap-add", "NET_ADMIN"),
    ]
    assert "security-opt" not in text


@pytest.mark.skipif(not shutil.which("ruby"), reason="Ruby is not installed")
@pytest.mark.parametrize(
    ("docker", "there", "able"),
    [("cgroupfs 1", ["unified"], True), ("cgroupfs 1", [], False), ("systemd 2", [], True)],
)
def test_a_system_that_knows_cgroup_v2_only_needs_a_host_with_it(
    docker: str, there: list[str], able: bool, tmp_path: Path
) -> None:
    assert "NodeCgroups.v2?" not in rendered("docker")["Vagrantfile"]
    new = rendered("docker", os="debian-14")
    assert "unless NodeCgroups.v2? || ARGV.first != 'up'" in new["Vagrantfile"]
    for folder in there:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cgroup.procs").touch()
    groups = new["vagrant/cgroups.rb"].replace("/sys/fs/cgroup", str(tmp_path))
    asked = f"module LabNetwork; def self.docker(*) = {docker!r}; end\n{groups}\nprint NodeCgroups.v2?"
    words = ["ruby", "-e", asked]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == str(able).lower()


def test_what_a_lab_makes_carries_its_name() -> None:
    docker, libvirt = render("docker"), render("libvirt")
    assert docker.count("labgen.lab=#{LAB}") == 3  # the container, the network, and who is left when it goes
    assert 'container = "labgen-#{LAB}-#{n[:name]}"' in docker
    assert 'default_prefix = "labgen-#{LAB}-"' in libvirt
    assert "libvirt__network_name: NETWORK" in libvirt


def test_a_vendor_box_is_told_by_vagrant_who_it_is() -> None:
    own, vendor = render("libvirt"), render("libvirt", "vendor/debian12")
    assert "insert_key = false" in own
    assert "auto_config: false" in own
    assert "name=opt/labgen" in own
    assert "insert_key = true" in vendor
    assert "auto_config: true" in vendor
    assert "vm.hostname = n[:name]" in vendor
    assert "name=opt/labgen" not in vendor
    assert "run_remote" in vendor  # the lab's key is let in


def test_values_are_quoted_for_ruby() -> None:
    assert r"LAB = 'it\'s \\n'" in render("docker", name="it's \\n")


QUESTIONS = """
require 'json'
ASKED = []
RUNNING = []
LAB = 'sample'
NETWORK = 'labgen-sample'
CIDR = '192.168.60.0/24'
NODES = [{ name: 'one', address: '192.168.60.2' }]
THERE = []

module Vagrant
  VERSION = '2.3.4'
  PLUGIN = Class.new { def self.name(_) = nil; def self.action_hook(*) = nil }
  def self.plugin(_) = PLUGIN

  module Errors
    class VagrantError < StandardError
    end
  end

  class Machine
    def ssh_info = 'where it answers'
  end
end

# Docker's own client, as the lab's network asks it: a network that is there cannot be made, nor joined twice.
module Open3
  Status = Struct.new(:success?)

  def self.capture2e(*words)
    ASKED << words.join(' ')
    made = words[1..2].join(' ')
    return ["it exists\n", Status.new(false)] if words[2] != 'ls' && words[1] != 'ps' && THERE.include?(made)
    THERE << made unless words[2] == 'ls'
    ["an answer\n", Status.new(true)]
  end
end

# What the Vagrantfile builds on: each answer takes a program run.
module VagrantPlugins
  module DockerProvider
    class Driver
      def execute(*words, **) = (ASKED << words.join(' '); RUNNING << words[2] if words[1] == 'start'; 'some answer')
      def create(params, **) = (execute('docker', 'run', *('-d' if params[:detach]), params[:name]); 'new')
      def created?(id) = (ASKED << "created #{id}"; id == 'old')
      def running?(id) = (ASKED << "running #{id}"; RUNNING.include?(id))
      def stop(id, _timeout) = RUNNING.delete(id)
      def rm(id) = RUNNING.delete(id)
      def all_containers = (ASKED << 'all'; [])
      def read_used_ports = all_containers
    end
  end
end

module Log4r
  class Logger
    ALL = {}
    def self.[](name) = ALL[name]
    def initialize(name, level = nil) = ALL[name] = self
  end
end

%s

driver = VagrantPlugins::DockerProvider::Driver.new
said = {}
said[:version] = 2.times.map { driver.execute('docker', 'version') }
said[:other] = 2.times.map { driver.execute('docker', 'ps') }
said[:unasked] = [driver.read_used_ports.size, driver.all_containers.size]
said[:preparing] = [driver.created?('preparing'), driver.running?('preparing')]
said[:old] = [driver.created?('old'), driver.running?('old')]
said[:created] = driver.create({ name: 'labgen-sample-one', detach: true })
said[:made] = [driver.created?('new'), driver.running?('new')]
LabNetwork.join('labgen-sample-one')
driver.stop('new', 1)
said[:stopped] = driver.running?('new')
driver.rm('new')
said[:removed] = driver.created?('new')
first = Log4r::Logger.new('a')
said[:loggers] = ['a', 'b'].map { |name| first.equal?(Log4r::Logger.new(name)) }
calls = [%%w[up --no-provision], %%w[up], %%w[ssh]]
said[:ssh] = calls.map { |words| ARGV.replace(words); Vagrant::Machine.new.ssh_info }
ASKED << '--- another Vagrant, with the network and the container there'
LabNetwork.instance_variable_set(:@making, nil)
LabNetwork::JOINED.clear
LabNetwork.join('labgen-sample-one')
puts JSON.dump([said, ASKED])
"""


@pytest.mark.skipif(not shutil.which("ruby"), reason="Ruby is not installed")
def test_docker_is_not_asked_what_is_known() -> None:
    files = rendered("docker")
    patch = files["vagrant/network.rb"].replace("require 'open3'", "") + files["vagrant/speedups.rb"]
    owner = {"LABGEN_OWNER": "c0ffee", "LABGEN_ORIGIN": "me in /labs"}
    done = subprocess.run(
        ["ruby", "-"], input=QUESTIONS % patch, env={**os.environ, **owner}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, asked = json.loads(done.stdout)
    assert said == {
        "version": ["some answer"] * 2,
        "other": ["some answer"] * 2,
        "unasked": [0, 0],
        "preparing": [False, False],
        "old": [True, False],
        "created": "new",
        "made": [True, True],
        "stopped": False,
        "removed": False,
        "loggers": [True, False],
        # Nobody logs in while machines are only made; provisioners and `vagrant ssh` have to know.
        "ssh": [None, "where it answers", "where it answers"],
    }
    make = (
        "docker network create --subnet 192.168.60.0/24 --label labgen.lab=sample "
        "--label labgen.owner=c0ffee --label labgen.origin=me in /labs "
        "--opt com.docker.network.bridge.enable_ip_masquerade=false labgen-sample"
    )
    connect = "docker network connect --ip 192.168.60.2 labgen-sample labgen-sample-one"
    assert asked == [
        "docker version",
        "docker ps",
        "docker ps",
        # Of a container that was there before, everything is asked.
        "created old",
        "running old",
        # A new one is in the lab's network when it starts; that it is there and runs is known, until it is stopped.
        "docker create labgen-sample-one",
        make,
        connect,
        "docker start new",
        "running new",
        "created new",
        "--- another Vagrant, with the network and the container there",
        make,
        "docker network ls --quiet --filter name=^labgen-sample$",
        connect,
        "docker ps --all --quiet --filter name=^/labgen-sample-one$ --filter network=labgen-sample",
    ]


@pytest.mark.skipif(not shutil.which("ruby"), reason="Ruby is not installed")
@pytest.mark.parametrize(
    ("version", "known"), [("2.3.4", True), ("2.3.8.dev", True), ("2.2.19", False), ("2.4.0", False)]
)
def test_speedups_stand_aside_for_a_vagrant_that_they_do_not_know(version: str, known: bool) -> None:
    script = f"module Vagrant; VERSION = '{version}'; end\n{rendered('docker')['vagrant/speedups.rb']}"
    done = subprocess.run(["ruby", "-W0", "-"], input=script, capture_output=True, text=True, check=False)
    if known:  # it goes on to what is not here
        assert "VagrantPlugins" in done.stderr
    else:
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == f"vagrant/speedups.rb stands aside: it knows Vagrant ~> 2.3.4, this is {version}\n"


def test_a_provider_from_outside_brings_its_fragment_and_its_ruby(tmp_path: Path) -> None:
    (tmp_path / "tiny.rb.j2").write_text("      node.vm.box = {{ lab.name | ruby }} # tiny\n")
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "helper.rb").write_text("HELPED = true\n")
    files = rendered("another-name", "some/box", name="it's", fragment=tmp_path / "tiny.rb.j2")
    assert "      node.vm.box = 'it\\'s' # tiny\n" in files["Vagrantfile"]
    assert "require_relative 'vagrant/helper'\n" in files["Vagrantfile"]
    assert files["vagrant/helper.rb"] == "HELPED = true\n"
    plain = rendered("another-name", "some/box")
    assert set(plain) == {"vagrant/steps.rb", "vagrant/unpack.sh", "Vagrantfile"}
    assert "node.vm.network :private_network, ip: n[:address]" in plain["Vagrantfile"]
