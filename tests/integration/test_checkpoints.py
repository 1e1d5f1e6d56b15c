"""Four containers, kept and brought back: before Patroni was started, and with data in them. They run in this order."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import Cli, Done, LiveLab, docker, docker_things

BLUEPRINT = "etcd-patroni-ops"
PATRONI = ("node1", "node2", "node3")
QUICK = ("--set=patroni.ttl=20", "--set=patroni.loop_wait=5", "--set=patroni.retry_timeout=5")
"""Patroni's shortest timers: a leader that went with the power is given up after ttl."""


class Kept:
    """A lab of the blueprint, and the questions that these tests ask it."""

    def __init__(self, lab: LiveLab) -> None:
        self.lab, self.labgen, self.name = lab, lab.labgen, lab.name

    def up(self, *options: str, expect: int | None = 0) -> Done:
        return self.labgen("up", BLUEPRINT, "--name", self.name, "--provider", "docker", *options, expect=expect)

    def checkpoint(self, command: str, *words: str, expect: int | None = 0) -> Done:
        return self.labgen("checkpoint", command, self.name, *words, expect=expect)

    def sql(self, query: str) -> str:
        """What the superuser gets from the leader."""
        for node in PATRONI:
            words = ("runuser", "-u", "postgres", "--", "psql", "-XAtqc")
            if self.lab.exec(node, *words, "select pg_is_in_recovery()", expect=None) == "f":
                return self.lab.exec(node, *words, query)
        raise AssertionError("nobody leads")

    def patroni(self, node: str) -> str:
        return self.lab.exec(node, "systemctl", "is-active", "patroni", expect=None)

    def images(self) -> list[str]:
        """The images that keep something of the lab, nameless ones too."""
        mine = ("--filter", f"label=labgen.lab={self.name}")
        return docker("image", "ls", *mine, "--format", "{{.Repository}}:{{.Tag}}").splitlines()

    def kept(self, node: str) -> int:
        return sum(name.startswith(f"labgen-checkpoint/{self.name}/{node}:") for name in self.images())


@pytest.fixture(scope="module")
def lab(module_labs: Callable[[str], LiveLab]) -> Kept:
    return Kept(module_labs("kept"))


def test_up_stops_before_patroni(lab: Kept) -> None:
    refused = lab.up("--until", "patrony", expect=2)
    assert "did you mean 'patroni'?" in refused.stderr
    assert docker_things(lab.name) == []
    done = lab.up("--until", "patroni", *QUICK)
    assert "patroni start on node1, node2, node3" in done.stdout
    assert lab.lab.exec("node0", "systemctl", "is-active", "etcd") == "active"
    assert lab.lab.exec("node1", "test", "-s", "/etc/patroni/config.yml") == ""
    assert [lab.patroni(node) for node in PATRONI] == ["inactive"] * 3
    assert lab.labgen.json("status", lab.name)["status"] == "unfinished"


def test_an_unfinished_lab_is_kept_as_that(lab: Kept) -> None:
    made = lab.labgen.json("checkpoint", "save", lab.name, "before")
    assert made["condition"] == "unfinished"
    assert "patroni start on node1, node2, node3" in made["about"]
    lab.up()
    assert [lab.patroni(node) for node in PATRONI] == ["active"] * 3
    [line] = lab.labgen.json("checkpoint", "list", lab.name)
    assert (line["name"], line["fits"]) == ("before", True)


def test_a_lab_that_is_well_is_kept(lab: Kept) -> None:
    lab.sql("create table kept (what text)")
    lab.sql("insert into kept values ('before the accident')")
    made = lab.labgen.json("checkpoint", "save", lab.name, "well")
    assert (made["condition"], made["about"]) == ("verified", [])
    assert made["mib"] > 0
    assert "well already" in lab.checkpoint("save", "well", expect=2).stderr
    assert all(lab.kept(node) == 2 for node in ("node0", *PATRONI))
    assert docker("ps", "--quiet", "--filter", "status=paused", "--filter", f"label=labgen.lab={lab.name}") == ""


def test_what_happened_since_is_undone(lab: Kept) -> None:
    lab.sql("drop table kept")
    docker("rm", "--force", lab.lab.container("node2"))
    docker("kill", lab.lab.container("node0"))
    keys = (lab.lab.folder / "known_hosts").read_text()
    assert "not all of them run" in lab.checkpoint("save", "broken", expect=1).stderr

    # Its exit code says that every check has passed.
    done = lab.checkpoint("restore", "well")
    assert "is back at well" in done.stdout
    assert lab.sql("select what from kept") == "before the accident"
    assert sorted((lab.lab.folder / "known_hosts").read_text().splitlines()) == sorted(keys.splitlines())
    calls = lab.lab.vagrant_calls()
    lab.up()
    assert lab.lab.vagrant_calls() == calls


def test_up_names_the_checkpoint_that_fits(lab: Kept) -> None:
    docker("kill", lab.lab.container("node0"))
    # It boots the node, and has nothing else to do.
    assert f"labgen checkpoint restore {lab.name} well" in lab.up("--until", "install").stderr


def test_another_version_is_refused(lab: Kept) -> None:
    lab.up("--until", "install", *QUICK, "--set=patroni.parameters={work_mem: 8MB}")
    before = docker("ps", "--quiet", "--filter", f"label=labgen.lab={lab.name}")
    refused = lab.checkpoint("restore", "well", expect=1).stderr
    assert "another version of the lab" in refused
    assert "work_mem" in refused
    assert [line["fits"] for line in lab.labgen.json("checkpoint", "list", lab.name)] == [False, False]
    assert docker("ps", "--quiet", "--filter", f"label=labgen.lab={lab.name}") == before
    lab.up("--until", "install", "--unset=patroni.parameters")


def test_a_save_that_is_cut_off_leaves_nothing(lab: Kept, tmp_path: Path) -> None:
    before = sorted(lab.images())
    paused = ("ps", "--quiet", "--filter", "status=paused", "--filter", f"label=labgen.lab={lab.name}")
    log = tmp_path / "save"
    with lab.labgen.started("checkpoint", "save", lab.name, "cut", "--no-verify", log=log) as child:
        while child.poll() is None and not docker(*paused):
            time.sleep(0.02)
        assert child.poll() is None, log.read_text()
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(60)
    assert "cut" not in [line["name"] for line in lab.labgen.json("checkpoint", "list", lab.name)]
    # Whatever was left standing goes on, and whatever was left lying goes.
    lab.up("--until", "install")
    assert docker(*paused) == ""
    lab.checkpoint("delete", "well")
    assert all(lab.kept(node) == 1 for node in ("node0", *PATRONI))
    assert len(lab.images()) <= len(before)


def test_up_goes_on_from_an_unfinished_checkpoint(lab: Kept) -> None:
    done = lab.checkpoint("restore", "before")
    assert "patroni start on node1, node2, node3" in done.stdout
    assert [lab.patroni(node) for node in PATRONI] == ["inactive"] * 3
    lab.up()
    assert lab.sql("select to_regclass('kept') is null") == "t"


def test_destroy_leaves_no_image(lab: Kept, labgen: Cli) -> None:
    labgen("image", "list")
    labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
    assert lab.images() == []
    assert not lab.lab.folder.exists()
