"""Bugs that were, in the version that has them and in one that has not; and a Patroni that the system does not have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.live import Cli, LiveLab, docker, docker_things

DOCKER = ("--provider", "docker")


def evidence(result: dict[str, Any], condition: int) -> str:
    """What was printed where a condition was looked at."""
    return "".join(piece["stdout"] for piece in result["tries"][0]["seen"][condition]["evidence"])


def matrix(labgen: Cli, bug: str, versions: str, tmp_path: Path) -> dict[str, Any]:
    """A matrix over two versions of Patroni, the first of which has the bug."""
    junit = tmp_path / "junit.xml"
    over = ("--over", f"versions.patroni={versions}")
    done = labgen("matrix", bug, *DOCKER, *over, "--jobs", "2", "--json", "--junit", str(junit), timeout=2400)
    found: dict[str, Any] = json.loads(done.stdout)
    assert [cell["status"] for cell in found["cells"]] == ["reproduced", "not-reproduced"]
    first, last = versions.split(",")
    assert [(flip["before"], flip["after"]) for flip in found["flips"]] == [(first, last)]
    suite = ElementTree.fromstring(junit.read_text())[0]  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    for cell in found["cells"]:
        assert docker_things(cell["lab"]) == []
        assert not labgen.folder(cell["lab"]).exists()
    assert "labgen-checkpoint/" not in docker("image", "ls", "--format", "{{.Repository}}")
    return found


def test_a_callback_that_is_killed(labgen: Cli, tmp_path: Path) -> None:
    found = matrix(labgen, "patroni-2445", "3.0.1,3.0.2", tmp_path)
    assert "because it was still running" in evidence(found["cells"][0]["result"], 0)


def test_a_name_that_two_members_have(labgen: Cli, tmp_path: Path) -> None:
    found = matrix(labgen, "patroni-1804", "3.0.2,3.0.4", tmp_path)
    mended = found["cells"][1]["result"]["tries"][0]["otherwise"][0]
    assert "Can't start; there is already a node named" in mended["evidence"][0]["stdout"]


def test_a_lab_that_was_wrecked_begins_anew(labs: Callable[[str], LiveLab], tmp_path: Path) -> None:
    lab = labs("wreck")
    words = ("repro", "run", "patroni-1804", "--name", lab.name)
    first = lab.labgen.json(*words, *DOCKER, "--set", "versions.patroni=3.0.1")
    assert (first["verdict"], first["versions"]["patroni"]) == ("reproduced", "3.0.1")
    (kept,) = (lab.folder / "repro").glob("patroni-1804-*.json")
    assert json.loads(kept.read_text()) == first
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not [secret for secret in lab.secrets() if secret in kept.read_text()]
    assert [lab.exec(node, "runuser", "-u", "postgres", "--", "psql", "-XAtc", PRIMARY) for node in MEMBERS] == [
        "t"
    ] * 2
    check_chosen_patroni(lab)
    # Two primaries; and yet the next run finds the lab as the first one did.
    again = lab.labgen.json(*words)
    assert again["verdict"] == "reproduced"
    assert [action["state"] for action in again["tries"][0]["actions"]] == ["done", "done"]
    refused = lab.labgen(*words, "--set", "versions.patroni=3.0.4", expect=2)
    assert "exists with the patroni version 3.0.1, not 3.0.4" in refused.said
    bundle = tmp_path / "wreck.tar.zst"
    made = lab.labgen.json("bundle", lab.name, "--output", str(bundle))
    assert (made["reproduction"]["name"], made["reproduction"]["verdict"]) == ("patroni-1804", "reproduced")
    assert "So it is with Patroni 3.0.4." in bundle.with_name("wreck.issue.md").read_text()
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
    replay_elsewhere(Cli(tmp_path / "state"), bundle, lab.name)


def replay_elsewhere(elsewhere: Cli, bundle: Path, name: str) -> None:
    """Where there is no lab yet, and of the bundle nothing but itself, the same is seen."""
    asked = elsewhere("replay", str(bundle), expect=2)
    assert "the commands of the reproduction patroni-1804" in asked.stderr
    assert "Nothing of the bundle runs on this machine" in asked.stderr
    done = elsewhere.json("replay", str(bundle), "--yes", "--destroy")
    assert done["verdict"] == {"then": "reproduced", "now": "reproduced"}
    assert done["packages"] == []
    assert docker_things(name) == []
    assert not elsewhere.folder(name).exists()


MEMBERS = ("node1", "node2")
PRIMARY = "select not pg_is_in_recovery()"


def check_chosen_patroni(lab: LiveLab) -> None:
    """Wheels, and not the package: in an environment of its own, which whoever runs it may not change."""
    for node in MEMBERS:
        assert lab.exec(node, "patroni", "--version") == "patroni 3.0.1"
        assert lab.exec(node, "patronictl", "version") == "patronictl version 3.0.1"
        address = lab.exec(
            node, "sed", "-n", "s/^  connect_address: .\\?\\(.*\\):8008.\\?$/\\1/p", "/etc/patroni/config.yml"
        )
        running = json.loads(lab.exec(node, "curl", "-fsSm5", f"http://{address}:8008/patroni"))
        assert running["patroni"]["version"] == "3.0.1"
        # It runs as postgres, who may not change it.
        assert lab.exec(node, "find", "/opt/patroni", "!", "-user", "root", "-o", "-type", "f", "-perm", "/022") == ""
        assert lab.exec(node, "test", "-e", "/usr/bin/patroni", expect=1) == ""
