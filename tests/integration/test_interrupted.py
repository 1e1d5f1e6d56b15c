"""What happens when `up` does not come to its end: a step fails, somebody presses Ctrl-C, the addresses are taken."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import SUBNET, Cli, LiveLab, docker, docker_things, processes_about, run, until

INTERRUPTED = 130


def done_steps(lab: LiveLab) -> list[tuple[str, ...]]:
    """Every step that the journal calls done, as often as it was done."""
    events = [json.loads(line) for line in lab.step_starts().splitlines()]
    return [(e["node"], e["component"], e["stage"]) for e in events if e["event"] == "done"]


def test_up_goes_on_after_a_failed_step(labs: Callable[[str], LiveLab], component_root: Callable[[str], Path]) -> None:
    lab, pgbouncer = labs("failing"), component_root("pgbouncer")
    script = pgbouncer / "start.sh"
    good = script.read_text()
    script.write_text(
        good.replace('. "${LABGEN_LIB:?}"\n', '. "${LABGEN_LIB:?}"\necho "the disk is on fire"\nfalse\n', 1)
    )
    options = ("--provider", "docker", "--components", str(pgbouncer.parent))

    failed = lab.up(*options, expect=4)
    for told in ("pgbouncer/pgbouncer/start", "the disk is on fire", "pgbouncer-start.log", f"labgen up {lab.name}"):
        assert told in failed.stderr
    assert "Traceback" not in failed.said
    before = done_steps(lab)
    assert ("pg-patroni1", "patroni", "configure") in before
    assert lab.labgen.json("status", lab.name)["status"] == "unfinished"

    script.write_text(good)
    calls = lab.vagrant_calls()
    lab.up(*options)
    after = done_steps(lab)
    again = [step for step in after[len(before) :] if step in before and step[0] != "pgbouncer"]
    assert again == []
    assert ("pgbouncer", "pgbouncer", "start") in after
    assert lab.vagrant_calls() == calls
    lab.labgen("destroy", lab.name, "--yes")


def boots(lab: LiveLab, _output: Path) -> bool:
    return any("up" in name for name in lab.vagrant_calls()) and bool(docker_things(lab.name))


def provisions(_lab: LiveLab, output: Path) -> bool:
    return " patroni start " in output.read_text() or "consul start" in output.read_text()


@pytest.mark.parametrize("moment", [boots, provisions])
def test_ctrl_c_then_up_finishes(
    labs: Callable[[str], LiveLab], tmp_path: Path, moment: Callable[[LiveLab, Path], bool]
) -> None:
    lab, output = labs(f"ctrl-c-{moment.__name__}"), tmp_path / "output"
    interrupt(lab, output, lambda: moment(lab, output))
    assert processes_about(str(lab.folder)) == []
    lab.labgen("up", lab.name)
    lab.verify()
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []


@pytest.mark.parametrize("moment", [boots, provisions])
def test_ctrl_c_then_destroy_removes_all(
    labs: Callable[[str], LiveLab], tmp_path: Path, moment: Callable[[LiveLab, Path], bool]
) -> None:
    lab, output = labs(f"given-up-{moment.__name__}"), tmp_path / "output"
    interrupt(lab, output, lambda: moment(lab, output))
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
    assert not lab.folder.exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_cut_off_while_an_image_is_built_leaves_no_half_image(
    labs: Callable[[str], LiveLab], component_root: Callable[[str], Path], tmp_path: Path, ending: signal.Signals
) -> None:
    lab, output = labs(f"baking-{ending.name.lower()}"), tmp_path / "output"
    install = component_root("pgbouncer") / "install.sh"
    # An image of its own: nobody else's build is disturbed, and this one is never wanted again.
    nap = f"sleep 600.{os.getpid()}"  # nobody else on this machine sleeps so long
    sourced = '. "${LABGEN_LIB:?}"\n'
    install.write_text(install.read_text().replace(sourced, f"{sourced}: {tmp_path.name}\n{nap}\n", 1))
    built = [f"--components={install.parents[1]}"]
    lab.labgen("render", *lab.made_from, *built, "--provider", "docker", "--no-artefacts", "-o", str(tmp_path / "made"))
    (image,) = re.findall(r"'(labgen/\S+pgbouncer:\w+)'", (tmp_path / "made" / "Vagrantfile").read_text())
    mounts = other_mounts()
    interrupt(lab, output, lambda: processes_about(nap), *built, ending=ending)
    # Whoever is killed can end nothing itself.
    until("the builder's processes to end", 20, lambda: not processes_about(nap))
    assert image not in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    assert other_mounts() == mounts
    assert lab.labgen.json("status", lab.name)["status"] == "not booted"
    lab.labgen("destroy", lab.name, "--yes")
    assert not lab.folder.exists()


def other_mounts() -> list[str]:
    """What is mounted on this machine, containers aside."""
    return [line for line in Path("/proc/mounts").read_text().splitlines() if "/docker/" not in line]


def interrupt(
    lab: LiveLab, output: Path, when: Callable[[], object], *options: str, ending: signal.Signals = signal.SIGINT
) -> None:
    """`up`, and Ctrl-C, or ENDING, as soon as WHEN holds."""
    with lab.labgen.started(*lab.up_words("--provider", "docker", *options), log=output) as child:
        until("the moment to press Ctrl-C", 900, lambda: child.poll() is not None or when())
        assert child.poll() is None, output.read_text()
        os.killpg(child.pid, ending)
        rc = child.wait(60)
    if ending is signal.SIGKILL:
        return
    said = output.read_text()
    assert rc == INTERRUPTED, said
    assert "Traceback" not in said
    assert "goes on from here" in said


def test_a_machine_that_hangs_is_named_and_started_anew(labgen: Cli, tmp_path: Path) -> None:
    made_from = ("etcd-patroni-ops", "--set", f"network.cidr={SUBNET}.0/24")
    lab, output = LiveLab(labgen, "hanging", made_from=made_from), tmp_path / "output"
    try:
        with labgen.started(*lab.up_words("--provider", "docker", "--boot-timeout", "12"), log=output) as child:
            until("a container", 900, lambda: child.poll() is not None or runs(lab.container("node3")))
            # Before its sshd has started: nobody ever gets an answer from it.
            docker("exec", lab.container("node3"), "ip", "link", "set", "eth0", "down")
            assert child.wait(60) == 4
        said = output.read_text()
        for told in ("node node3 cannot be reached by SSH within 12 s", "labgen halt LAB", "--boot-timeout SECONDS"):
            assert told in said
        assert "Traceback" not in said
        lab.labgen("halt", lab.name)
        lab.labgen("up", lab.name)
    finally:
        lab.labgen("destroy", lab.name, "--yes", expect=None)
    assert docker_things(lab.name) == []


def runs(container: str) -> bool:
    return run("docker", "inspect", "--format", "{{.State.Running}}", container).stdout.strip() == "true"


def test_addresses_in_use_are_refused_before_anything_is_made(labgen: Cli) -> None:
    docker("network", "create", "--subnet", f"{SUBNET}.128/25", "itest-foreign")
    try:
        refused = LiveLab(labgen, "clash").up("--provider", "docker", expect=3)
    finally:
        docker("network", "rm", "itest-foreign")
    assert f"{SUBNET}.0/24" in refused.stderr
    assert "itest-foreign" in refused.stderr
    assert "--set network.cidr=" in refused.stderr
    assert not labgen.folder("clash").exists()
    assert docker_things("clash") == []
