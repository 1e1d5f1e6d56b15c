"""What is typed wrongly, and what labgen says: to the letter, each with a cure, none by click."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labgen.actions.session.open import LabRequest, lab_of
from labgen.blueprint.files import find_blueprint
from labgen.cli.main import app
from labgen.errors import LabgenError, UsageError

HERE = Path(__file__).parent

MISTAKES = [
    "consul-pgbouncer",
    "consul-pgbouncer up",
    "upp consul-pgbouncer",
    *(f"{word} mylab" for word in ("deploy", "start", "inspect", "ps", "down", "stop", "rm", "connect", "shell", "ls")),
    "-v",
    "up",
    "up consul-pgbounser",
    "up mylab --boot-timeout abc",
    "up mylab other",
    "up mylab --provder docker",
    "status",
    "status nosuch",
    "ssh mylab",
    "ssh mylab ledaer",
    "exec mylab patroni01",
    "exec node1 mylab ls",
    "logs mylab --step patroni",
    "logs mylab patroni01 -n many",
    "switchover mylab postgresql-patroni02",
    "scale mylab",
    "destroy mylob --yes",
    "drill mylab run power-loss",
    "drill mylab power-loss",
    "checkpoint mylab save x",
    "checkpoint save",
    "graph etcd-haproxy -o x.png",
    "graph etcd-haproxy --format png",
    "validate etcd-haproxy --set ttl=5",
    "validate etcd-haproxy --set patroni.tll=5",
    "validate etcd-haproxy --set version.patroni=3.3.2",
    "validate consul-pgbouncer --set config.pgbouncer.pool_mode=session",
    "validate etcd-haproxy --set os=debian-12 --set versions.etcd=3.5.16-4",
    "matrix patroni-2445 --over versions.patroni=3.0.1",
    "matrix patroni-2445 --over patroni.tll=1,2",
    "validate etcd-haproxy --profile modrn",
    "up etcd-haproxy -f nosuch.yml",
]


@pytest.fixture
def mylab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    request = LabRequest("etcd-haproxy", "mylab", provider="docker", overrides=("network.cidr=10.77.5.0/24",))
    lab_of(request, make=True).save()


def said(line: str) -> str:
    outcome = CliRunner().invoke(app, shlex.split(line))
    assert isinstance(outcome.exception, LabgenError), (line, outcome.output, outcome.exception)
    assert outcome.exception.cure, line
    assert outcome.output == ""
    assert isinstance(outcome.exception, UsageError)
    text = "".join(f"    {line}\n" for line in outcome.exception.lines())
    return text.replace(f"{find_blueprint('etcd-haproxy').parent}/", "")


@pytest.mark.usefixtures("mylab")
def test_mistakes(golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "mistakes.txt", "".join(f"labgen {line}\n{said(line)}" for line in MISTAKES))


@pytest.mark.parametrize("words", [["help"], ["help", "up"], ["help", "drill", "run"], ["--version"], ["-V"]])
def test_what_everybody_tries_first(words: list[str]) -> None:
    outcome = CliRunner().invoke(app, words)
    assert outcome.exit_code == 0
    begin = "labgen " if words[0] != "help" else f"Usage: {' '.join(['labgen', *words[1:]])} "
    assert outcome.output.startswith(begin)
