"""A rendered folder does without labgen, as its README says."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apart import control_groups
from tests.live import BLUEPRINT, ON_SUBNET, SUBNET, Cli, docker, docker_things, run, watched_command_lines

NAME = "by-hand"
PATRONI_CONFIG = "nodes/pg-patroni1/patroni/files/etc/patroni/config.yml"
RENDER = ("render", BLUEPRINT, "--name", NAME, "--provider", "docker", *ON_SUBNET)


@pytest.fixture(scope="module")
def folder(labgen: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder; its machines are gone when the module ends."""
    folder = tmp_path_factory.mktemp("rendered") / NAME
    printed = labgen(*RENDER, "-o", str(folder)).stdout
    assert printed == f"{folder}\n"
    yield folder
    if (folder / ".vagrant").exists():
        by_hand(folder, "./destroy.sh")


@pytest.fixture
def changed(labgen: Cli, folder: Path) -> Iterator[Path]:
    """The folder, for a test that changes its files: afterwards they are as they were rendered."""
    yield folder
    labgen(*RENDER, "-o", str(folder))


def by_hand(folder: Path, *words: str, expect: int = 0) -> str:
    """What a command prints in FOLDER, on a machine where nobody has heard of labgen."""
    own = Path(sys.executable).parent
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != own)
    environment = {name: value for name, value in os.environ.items() if "LABGEN" not in name and name != "VIRTUAL_ENV"}
    done = run(*words, cwd=folder, environment={**environment, "PATH": path}, timeout=1800)
    assert done.rc == expect, f"{' '.join(words)} ended with {done.rc}\n{done.said[-4000:]}"
    return done.said


def on(folder: Path, node: str, command: str) -> str:
    """What a command prints on a node."""
    return by_hand(folder, "vagrant", "ssh", node, "-c", command)


def members(folder: Path, node: str) -> list[tuple[str, str]]:
    """Role and state of each of Patroni's members, asked on NODE."""
    listed = on(folder, node, "sudo patronictl -c /etc/patroni/config.yml list")
    rows = [row.split("|")[1:-1] for row in listed.splitlines() if re.match(r"\| \S+ +\| \d", row)]
    return sorted((cells[2].strip(), cells[3].strip()) for cells in rows)


def whole(folder: Path) -> None:
    """One leads, two stream."""
    assert members(folder, "pg-patroni1") == [("Leader", "running"), ("Replica", "streaming"), ("Replica", "streaming")]


def looks(folder: Path) -> list[str]:
    """What the commands print that the README has for seeing whether the lab is well."""
    section = (folder / "README.md").read_text().split("## Is it well?")[1].split("##")[0]
    commands = re.findall(r"^    sudo (vagrant ssh .*)$", section, re.MULTILINE)
    assert len(commands) > (folder / "Vagrantfile").read_text().count("{ name: ")
    return [by_hand(folder, "bash", "-c", command) for command in commands]


def began(said: str) -> list[str]:
    """The provisioners that ran, as `node/name`; not those that were done before."""
    ran: dict[str, list[str]] = {}
    for line in said.splitlines():
        if begun := re.match(r"==> (\S+): Running provisioner: (\S+) \(shell\)", line):
            ran.setdefault(begun[1], []).append(begun[2])
        elif skipped := re.match(r" +(\S+): done before$", line):
            ran[skipped[1]].pop()
    return [f"{node}/{name}" for node, names in ran.items() for name in names]


def removed(folder: Path) -> None:
    by_hand(folder, "./destroy.sh")
    assert docker_things(NAME) == []
    assert control_groups(NAME) == []


def test_vagrant_up_alone_ends_with_a_lab(folder: Path) -> None:
    """And the README's commands say so."""
    by_hand(folder, "./prepare.sh")
    seen: set[str] = set()
    with watched_command_lines(seen):
        by_hand(folder, "vagrant", "up")
    whole(folder)
    assert not [text for text in looks(folder) if "\u25cf" in text]  # what systemctl puts before a unit that failed
    passwords = re.findall(r"password: [\"'](\S{12,})[\"']", (folder / PATRONI_CONFIG).read_text())
    assert passwords
    assert not [line for line in seen if any(password in line for password in passwords)]


def test_files_on_the_nodes_are_roots_only(folder: Path) -> None:
    owned = on(
        folder, "pg-patroni1", "sudo find /opt/labgen -path '*/state' -prune -o -printf '%m %U:%G %y\\n' | sort -u"
    )
    assert set(owned.split("\n")) - {""} <= {"600 0:0 f", "700 0:0 f", "700 0:0 d"}, owned


def test_a_second_up_does_nothing(folder: Path) -> None:
    assert began(by_hand(folder, "vagrant", "up")) == []


def test_one_step_runs_again_on_one_node(folder: Path) -> None:
    said = by_hand(folder, "vagrant", "provision", "--provision-with", "patroni-start", "pg-patroni1")
    assert began(said) == ["pg-patroni1/patroni-start"]
    whole(folder)


def test_a_changed_file_is_sent_and_its_steps_run_again(changed: Path) -> None:
    script = changed / "components" / "pgbouncer" / "start.sh"
    script.write_text(script.read_text() + "echo changed by hand\n")
    said = by_hand(changed, "vagrant", "provision")
    assert "pgbouncer: changed by hand" in said
    assert began(said) == [f"pgbouncer/{name}" for name in ("files", "pgbouncer-configure", "pgbouncer-start")]


def test_a_step_that_fails_ends_it_all_and_the_next_up_goes_on(changed: Path) -> None:
    """The others do not wait for ever. With a Vagrant that its speed-ups do not know, a lab is the same."""
    removed(changed)
    speedups = changed / "vagrant" / "speedups.rb"
    speedups.write_text(speedups.read_text().replace("'~> 2.3.4'", "'~> 0.9'"))
    script = changed / "components" / "patroni" / "start.sh"
    sound = script.read_text()
    script.write_text("[[ $LABGEN_NODE != pg-patroni1 ]] || { echo not today; exit 3; }\n" + sound)
    said = by_hand(changed, "vagrant", "up", expect=1)
    assert "vagrant/speedups.rb stands aside" in said
    assert "pg-patroni1: not today" in said
    assert "patroni-start failed on pg-patroni1: " in said
    assert re.search(r"\S+ was (not begun|ended): patroni-start failed on pg-patroni1", said)
    script.write_text(sound)
    again = by_hand(changed, "vagrant", "up")
    assert "pg-patroni1/patroni-start" in began(again)
    assert "consul-node1/consul-start" not in began(again)
    whole(changed)
    removed(changed)


def test_machines_one_after_the_other_come_to_the_same(folder: Path) -> None:
    """As with a provider that is not parallel: the steps begin when the last machine is there."""
    said = by_hand(folder, "vagrant", "up", "--no-parallel")
    assert said.index("labgen-by-hand-pgbouncer") < said.index("Running provisioner")
    whole(folder)
    removed(folder)


def test_a_boot_that_fails_leaves_nothing(folder: Path) -> None:
    removed(folder)
    docker("network", "create", "--subnet", f"{SUBNET}.0/24", "itest-in-the-way")
    try:
        said = by_hand(folder, "vagrant", "up", expect=1)
        assert "Pool overlaps" in said
        assert docker_things(NAME) == []
    finally:
        docker("network", "rm", "itest-in-the-way")
        by_hand(folder, "./destroy.sh")


def test_its_secrets_are_for_their_owner_only(folder: Path) -> None:
    for path in [*folder.glob("nodes/*/*/env"), folder / "keys" / "lab_ed25519"]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_rendering_again_changes_nothing(labgen: Cli, folder: Path) -> None:
    def picture() -> dict[Path, tuple[float, bytes]]:
        rendered = (path for path in folder.rglob("*") if path.is_file() and ".vagrant" not in path.parts)
        return {path: (path.stat().st_mtime, path.read_bytes()) for path in rendered}

    before = picture()
    labgen(*RENDER, "-o", str(folder))
    assert picture() == before
