"""`vagrant/steps.rb` by itself: which machines a command is about, and when a step counts as done.

That it holds steps back, ends with an error and goes on is seen with the real Vagrant in tests/integration.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labgen.render.environment import TEMPLATES

pytestmark = pytest.mark.skipif(not shutil.which("ruby"), reason="Ruby is not installed")

AROUND = """
require 'json'
require 'pathname'

# What steps.rb takes of Vagrant: an error to raise, a plug-in to be, a machine whose state is looked at under a lock.
module Vagrant
  class Machine
    LOCKED = []

    def state
      LOCKED << :taken
      sleep 0.2
      LOCKED.clear
    end
  end

  module Errors
    class VagrantError < StandardError
    end
  end

  PLUGIN = Class.new { def self.name(_) = nil; def self.action_hook(*) = nil }
  def self.plugin(_) = PLUGIN
end

STEPS = { 'one' => [%w[agent configure], %w[agent start]], 'two' => [%w[agent start one/agent-start]], 'three' => [] }
Machine = Struct.new(:name, :provider_name, :data_dir)
require_relative 'vagrant/steps'
MACHINE = Machine.new(:one, :docker, Pathname(__dir__).join('.vagrant/machines/one/docker'))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in ("vagrant", "components/lib", "components/agent", "nodes/one/agent", "nodes/two/agent", "nodes/three"):
        (tmp_path / path).mkdir(parents=True)
    home = tmp_path / ".vagrant" / "machines" / "one" / "docker"
    home.mkdir(parents=True)
    (home / "id").write_text("first")
    shutil.copy(TEMPLATES / "vagrant" / "steps.rb", tmp_path / "vagrant")
    for path in ("components/lib/run.sh", "components/agent/start.sh", "nodes/one/agent/env", "nodes/two/agent/env"):
        (tmp_path / path).write_text(path)
    return tmp_path


def ruby(folder: Path, code: str, *words: str) -> Any:
    (folder / "try.rb").write_text(f"{AROUND}\nputs JSON.dump(({code}))\n")
    done = subprocess.run(["ruby", "try.rb", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        (["up"], ["one", "two", "three"]),
        (["up", "--no-parallel"], ["one", "two", "three"]),
        (["provision", "two"], ["two"]),
        (["up", "two", "one"], ["two", "one"]),
        (["up", "/t/"], ["two", "three"]),
        (["provision", "--provision-with", "agent-start", "one"], ["one"]),
    ],
)
def test_which_machines_a_command_is_about(folder: Path, words: list[str], targets: list[str]) -> None:
    assert ruby(folder, "LabSteps.targets", *words) == targets


@pytest.mark.parametrize(
    ("words", "beside", "expected"),
    [
        (["up"], True, False),  # in a thread of its own, beside the others
        (["provision"], False, True),  # `three` comes last
        (["provision", "one"], False, False),
        (["up", "three", "one"], False, False),
        (["up", "one", "three"], False, True),
    ],
)
def test_who_waits_for_the_last_machine(folder: Path, words: list[str], beside: bool, expected: bool) -> None:
    code = f"(Thread.current[:batch_parallel_action] = {str(beside).lower()}; LabSteps.put_off?(MACHINE))"
    assert ruby(folder, code, *words) is expected


def test_a_look_at_a_machine_that_is_killed_gives_its_lock_back(folder: Path) -> None:
    """As Vagrant kills its own look when SSH answers."""
    look = "look = Thread.new { Vagrant::Machine.new.state; sleep }"
    killed = f"{look}; Thread.pass until Vagrant::Machine::LOCKED.any?; look.kill; look.join"
    assert ruby(folder, f"({killed}; Vagrant::Machine::LOCKED)") == []


MARK = "LabSteps.home(MACHINE, 'one').join('done-agent-start').write(LabSteps.stamp(MACHINE, 'one', 'agent-start'))"
DONE = "LabSteps.done?(MACHINE, 'one', 'agent-start')"


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ("", True),
        ("nodes/two/agent/env", True),
        ("nodes/one/agent/env", False),
        ("components/agent/start.sh", False),
        ("components/lib/run.sh", False),
        (".vagrant/machines/one/docker/id", False),  # another machine of the same name
        ("nodes/one/agent/new", False),
    ],
)
def test_a_step_is_done_with_these_files_on_this_machine(folder: Path, changed: str, done: bool) -> None:
    assert ruby(folder, DONE) is False
    ruby(folder, MARK)
    if changed:
        (folder / changed).write_text("another")
    assert ruby(folder, DONE) is done
    assert ruby(folder, "LabSteps.done?(MACHINE, 'two', 'agent-start')") is False
