"""What goes to a node, and what makes a step run again."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from labgen.errors import NodeError
from labgen.plan.model import Plan, Step, StepId
from labgen.provision import send_artefacts, send_folder, step_digests
from labgen.provision.digests import file_sha256
from tests.fakes.connection import Answer, FakeConnection

FILES = {
    "components/lib/lib.sh": "lib",
    "components/lib/run.sh": "run",
    "components/consul/component.yml": "name: consul",
    "components/consul/install.sh": "install",
    "components/consul/configure.sh": "configure",
    "components/consul/start.sh": "start",
    "components/consul/consul.json.j2": "{}",
    "components/patroni/start.sh": "start",
    "nodes/n1/consul/env": "A='1'",
    "nodes/n1/consul/files.list": "0644 root:root /etc/consul.json",
    "nodes/n1/consul/files/etc/consul.json": "{}",
    "nodes/n2/consul/env": "A='2'",
    "artefacts/consul": "ELF consul",
    "artefacts/consul-template": "ELF consul-template",
}
PLAN = Plan(
    tuple(
        Step(StepId(node, "consul", stage), frozenset())
        for node in ("n1", "n2")
        for stage in ("install", "configure", "start")
    )
)


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def changed_by(rendered: Path, name: str) -> set[str]:
    """The steps whose digest changes when file NAME does."""
    artefacts = {"consul": ["consul"]}
    before = step_digests(PLAN, rendered, artefacts)
    (rendered / name).write_text("something else")
    after = step_digests(PLAN, rendered, artefacts)
    return {f"{step.node} {step.stage}" for step in before if before[step] != after[step]}


EVERY = {f"{node} {stage}" for node in ("n1", "n2") for stage in ("install", "configure", "start")}


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("components/lib/lib.sh", EVERY),
        ("components/lib/run.sh", EVERY),
        ("components/consul/start.sh", {"n1 start", "n2 start"}),
        ("components/consul/helper.sh", EVERY),
        ("components/consul/component.yml", set()),
        ("components/consul/consul.json.j2", set()),
        ("components/patroni/start.sh", set()),
        ("nodes/n1/consul/env", {"n1 configure", "n1 start"}),
        ("nodes/n1/consul/files/etc/consul.json", {"n1 configure", "n1 start"}),
        ("nodes/n2/consul/files.list", {"n2 configure", "n2 start"}),
        ("artefacts/consul", {"n1 install", "n2 install"}),
        ("artefacts/consul-template", set()),
    ],
)
def test_a_file_changes_exactly_the_steps_that_use_it(rendered: Path, name: str, steps: set[str]) -> None:
    assert changed_by(rendered, name) == steps


def test_digests_do_not_depend_on_where_the_folder_is(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy")
    for name, text in FILES.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    assert step_digests(PLAN, rendered) == step_digests(PLAN, copy)


def test_a_node_gets_its_own_part_owned_by_root(rendered: Path) -> None:
    connection = FakeConnection()
    send_folder(connection, rendered, "n1")
    with tarfile.open(fileobj=io.BytesIO(connection.stdin[0])) as tar:
        entries = {entry.name: entry for entry in tar.getmembers()}
    assert "node/consul/files/etc/consul.json" in entries
    assert "components/lib/run.sh" in entries
    assert not [name for name in entries if "patroni" in name or "n2" in name]
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
    assert {entry.mode for entry in entries.values()} == {0o700, 0o600}
    assert entries["node/consul/env"].mode == 0o600


def test_a_full_disk_is_reported(rendered: Path) -> None:
    full = FakeConnection({"tar": Answer(rc=2, stderr="tar: No space left on device\n")})
    with pytest.raises(NodeError) as caught:
        send_folder(full, rendered, "n1")
    assert caught.value.detail == ("tar: No space left on device",)


def test_artefacts_that_are_there_are_not_sent(rendered: Path) -> None:
    files = [rendered / "artefacts" / name for name in ("consul", "consul-template")]
    listing = f"{file_sha256(files[0])}  ./consul\n{'0' * 64}  ./consul-template\n"
    connection = FakeConnection({"sha256sum": Answer(stdout=listing)})
    send_artefacts(connection, files)
    assert connection.stdin == [b"ELF consul-template"]
