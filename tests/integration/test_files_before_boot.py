"""What a program refuses is refused before anything boots, in the program's own words."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import SUBNET, Cli, LiveLab, docker, docker_things, until

MANIFEST = """\
name: greeter
summary: says good morning, from a service of its own
parameters:
  hour: {type: integer, default: 7, doc: when}
secrets:
  word: {kind: password, doc: what only friends hear}
files:
  - {template: greeter.conf.j2, path: /etc/greeter/greeter.conf, mode: "0600"}
  - {template: greeter.sh.j2, path: /usr/local/bin/greeter, mode: "0755"}
  - {template: greeter.service.j2, path: /etc/systemd/system/greeter.service}
validate:
  - {files: [/etc/greeter/*], run: greeter --check}
checks:
  - {name: greeter, title: it greets, run: greeter, expect: {stdout: "good morning at 7"}}
"""
FILES = {
    "greeter.conf.j2": "hour={{ p.hour }}\nword={{ secrets.greeter.word | shell }}\n",
    "greeter.sh.j2": """\
#!/bin/sh
. /etc/greeter/greeter.conf
if [ "$hour" -gt 23 ]; then
    echo "/etc/greeter/greeter.conf: there is no hour $hour, $word"
    exit 1
fi
[ "$1" = --check ] || echo "good morning at $hour"
""",
    "greeter.service.j2": "[Service]\nType=oneshot\nExecStart=/usr/local/bin/greeter\n",
    "install.sh": '#!/usr/bin/env bash\n. "${LABGEN_LIB:?}"\n',
    "configure.sh": '#!/usr/bin/env bash\n. "${LABGEN_LIB:?}"\nplace_files\n',
    "start.sh": '#!/usr/bin/env bash\n. "${LABGEN_LIB:?}"\nenable_and_start greeter.service\n',
}
BLUEPRINT = f"""\
name: greeters
title: Two greeters
network: {{cidr: {SUBNET}.0/24}}
nodes:
  - {{name: one, address: {SUBNET}.11, components: [greeter]}}
  - {{name: two, address: {SUBNET}.12, components: [greeter]}}
profiles:
  plain: {{os: debian-13, summary: Debian 13}}
"""


@pytest.fixture
def greeter(tmp_path: Path) -> Path:
    """The component's folder; the blueprint lies beside its root."""
    folder = tmp_path / "components" / "greeter"
    folder.mkdir(parents=True)
    (folder / "component.yml").write_text(MANIFEST)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (tmp_path / "greeters.yml").write_text(BLUEPRINT)
    return folder


def words(greeter: Path, lab: LiveLab, *more: str) -> tuple[str, ...]:
    root = greeter.parent
    file = str(root.parent / "greeters.yml")
    return ("up", file, "--name", lab.name, "--provider", "docker", "--components", str(root), *more)


def test_broken_files_are_refused_before_boot_and_mended_ones_are_not(
    labs: Callable[[str], LiveLab], greeter: Path
) -> None:
    lab = labs("refused")
    (greeter / "greeter.service.j2").write_text("[Service]\nTyp=oneshot\nExecStart=/usr/local/bin/greeter\n")
    with (greeter / "start.sh").open("a") as script:
        script.write("if true; then\n")
    refused = lab.labgen(*words(greeter, lab, "--set", "nodes.two.greeter.hour=25"), expect=2)
    rendered = lab.folder / "rendered"
    for told in (
        "3 complaints",
        f"where: {rendered}",
        "one, two: bash -n",
        f"greeter: {greeter / 'start.sh'}",
        "one, two: systemd-analyze verify",
        "greeter: nodes/one/greeter/files/etc/systemd/system/greeter.service",
        "/etc/systemd/system/greeter.service:2: Unknown key",
        "two: greeter --check",
        "greeter: nodes/two/greeter/files/etc/greeter/greeter.conf",
        "there is no hour 25, ‹secret greeter.word›",
        "nothing was booted",
    ):
        assert told in refused.stderr
    assert not [secret for secret in lab.secrets() if secret in refused.said]
    assert lab.labgen.json("status", lab.name)["status"] == "not booted"
    assert docker_things(lab.name) == []
    assert inside() == ""

    for name, text in FILES.items():
        (greeter / name).write_text(text)
    lab.labgen(*words(greeter, lab, "--set", "greeter.hour=7", "--unset", "nodes.two.greeter.hour"))
    assert "Lint" not in lab.labgen("up", lab.name).stderr

    # A lab that runs goes on as it is when what would be changed is refused.
    refused = lab.labgen("up", lab.name, "--set", "greeter.hour=30", expect=2)
    assert "one, two: greeter --check" in refused.stderr
    assert lab.exec("one", "greeter") == "good morning at 7"


def test_a_user_who_is_not_there_is_missed(labs: Callable[[str], LiveLab], greeter: Path) -> None:
    lab = labs("nobody")
    manifest = greeter / "component.yml"
    manifest.write_text(manifest.read_text().replace('mode: "0600"', 'mode: "0600", owner: "greeter:root"'))
    refused = lab.labgen(*words(greeter, lab), expect=2)
    assert "one, two: install" in refused.stderr
    assert "/etc/greeter/greeter.conf: install: invalid user" in refused.stderr
    assert docker_things(lab.name) == []


def test_validate_looks_into_the_images_that_are_here(labgen: Cli, greeter: Path) -> None:
    file, root = str(greeter.parents[1] / "greeters.yml"), str(greeter.parent)
    labgen("image", "build", file, "--provider", "docker", "--components", root)
    options = ("validate", file, "--components", root, "--files", "--provider", "docker")
    assert "every file accepted by its program" in labgen(*options).stdout
    refused = labgen(*options, "--set", "greeter.hour=24", expect=2)
    assert "rendered/plain/nodes/one/greeter/files/etc/greeter/greeter.conf" in refused.stderr
    # An image that is not here is not built for this.
    script = greeter / "install.sh"
    script.write_text(script.read_text() + f": {greeter.parents[1].name}\n")
    assert "their image is not here" in labgen(*options).stderr


def test_the_built_in_lab_passes_in_every_profile(labgen: Cli) -> None:
    """Patroni 2.0.2 and 4.0.7, each with its own schema."""
    for profile in ("modern", "published"):
        labgen("image", "build", "consul-pgbouncer", "--provider", "docker", "--profile", profile)
    done = labgen("validate", "consul-pgbouncer", "--files", "--provider", "docker")
    assert done.stdout.count("every file accepted by its program") == 2
    wrong = "patroni.parameters={unix_socket_directories: 5}"
    refused = labgen("validate", "consul-pgbouncer", "--files", "--provider", "docker", "--set", wrong, expect=2)
    assert "patroni --validate-config" in refused.stderr
    assert "postgresql.parameters.unix_socket_directories" in refused.stderr


def test_a_setting_that_haproxy_cannot_take_is_refused(labgen: Cli) -> None:
    lab = ("etcd-haproxy-keepalived", "--provider", "docker")
    labgen("image", "build", *lab)
    assert "modern is fine" in labgen("validate", *lab, "--files").stdout
    refused = labgen("validate", *lab, "--files", "--set", "haproxy.inter=99999999s", expect=2)
    assert "haproxy -c -f /etc/haproxy/haproxy.cfg" in refused.stderr
    assert "timer overflow" in refused.stderr


def test_what_a_validator_only_warns_of_is_told_and_refuses_nothing(labgen: Cli, tmp_path: Path) -> None:
    overrides = tmp_path / "over.yml"
    section = '{bind: "*:7777", option httpchk: true, server: "one 127.0.0.1:1"}'
    overrides.write_text(f"config: {{haproxy: {{listen more: {section}}}}}\n")
    lab = ("etcd-haproxy-keepalived", "--provider", "docker")
    labgen("image", "build", *lab)
    told = labgen("validate", *lab, "--files", "-f", str(overrides))
    assert "the server one of more has no `check`" in told.stderr


def test_each_program_says_itself_which_settings_it_does_not_take(labgen: Cli) -> None:
    """The programs leave them out, or start with others, or do not start: so they are asked before."""
    lab = ("consul-pgbouncer", "--provider", "docker", "--profile", "modern")
    labgen("image", "build", *lab)
    words = (
        "patroni.parameters={work_mem: 8XB, jit: true}",
        "nodes.pg-patroni2.patroni.parameters.nosuch=1",
        "config.pgbouncer.pgbouncer.nosuch=1",
    )
    refused = labgen("validate", *lab, "--files", *(part for word in words for part in ("--set", word)), expect=2)
    for told in (
        'patroni.parameters.work_mem: invalid value for parameter "work_mem": "8XB" (--set patroni.parameters={',
        "HINT:  Valid units",
        'nosuch: unrecognized configuration parameter "nosuch" (--set nodes.pg-patroni2.patroni.parameters.nosuch=1)',
        "unknown parameter: pgbouncer/nosuch",
    ):
        assert told in refused.stderr
    assert "parameters.jit:" not in refused.stderr

    for profile, word, told in (
        ("modern", "ETCD_SNAPSHOT_COUNT=abc", 'invalid value "abc" for ETCD_SNAPSHOT_COUNT'),
        ("published", "ETCD_NOSUCH=1", "unrecognized environment variable ETCD_NOSUCH=1"),
    ):
        lab = ("etcd-patroni-ops", "--provider", "docker", "--profile", profile)
        labgen("image", "build", *lab)
        assert told in labgen("validate", *lab, "--files", "--set", f"config.etcd.{word}", expect=2).stderr


def test_ctrl_c_leaves_no_container(labs: Callable[[str], LiveLab], greeter: Path, tmp_path: Path) -> None:
    lab = labs("impatient")
    manifest = greeter / "component.yml"
    manifest.write_text(manifest.read_text().replace("run: greeter --check", "run: sleep 50"))
    with lab.labgen.started(*words(greeter, lab), log=tmp_path / "output") as child:
        until("a container to lint in", 600, lambda: child.poll() is not None or inside())
        assert child.poll() is None, (tmp_path / "output").read_text()
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(30) == 130
    until("the container to be gone", 10, lambda: not inside())


def inside() -> str:
    """The containers, running or not, in which rendered files are looked at."""
    return docker("ps", "--all", "--quiet", "--filter", "label=labgen.inside")
