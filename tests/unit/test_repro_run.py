"""Reproductions from the command line's side: the lab is made or brought back, tried once or often, kept or removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labgen.actions.lab.up import UpResult
from labgen.actions.repro import run as actions
from labgen.actions.repro.run import BEGINNING, ReproRequest, request_of, run_reproduction, validate_reproduction
from labgen.actions.session.open import LabRequest, OpenLab, existing_lab, lab_of
from labgen.checkpoint import Checkpoint
from labgen.checks import CheckReport, CheckResult, Status
from labgen.errors import OperationError, UsageError
from labgen.faults.undo import FILE, Undo, Undos
from labgen.plan import Plan
from labgen.repro.document import read_written
from labgen.repro.judge import ReproVerdict
from tests.fakes.provider import FakeProvider, FakeSnapshotter
from tests.fakes.reporter import Heard
from tests.fakes.repro import Said, Stage, write

SEEN = "seen: [{output: {on: leader, command: is-bad}}]\nactions: [{run: {on: leader, command: do-it}}]\nwithin: 0.1\n"


def report_of(status: Status) -> CheckReport:
    result = CheckResult("patroni-cluster", "It works", status, "no leader", (), 0.1)
    return CheckReport("x", "x", "docker", "modern", "debian-12", datetime.now(UTC), 1.0, (result,))


@dataclass
class Machine:
    """Labs that come up at once, and a list of what was done to them."""

    stage: Stage
    document: Path
    did: list[str] = field(default_factory=list)
    status: Status = Status.PASS
    snapshotter: FakeSnapshotter | None = field(default_factory=FakeSnapshotter)
    heard: Heard = field(default_factory=Heard)

    def up(
        self, request: LabRequest, _reporter: object, until: str | None = None, *, offline: bool = False
    ) -> UpResult:
        assert not offline
        opened = lab_of(request, make=True)
        opened.save()
        self.did.append(f"up {opened.lab.name}" + (f" until {until}" if until else ""))
        self.stage.lab = opened.lab
        return UpResult(opened, Plan(()), None if until else report_of(self.status))

    def save(self, name: str, checkpoint: str, _reporter: object, *, force: bool, verify: bool) -> None:
        assert force
        assert not verify
        self.did.append(f"save {name} {checkpoint}")

    def restore(self, name: str, checkpoint: str, _reporter: object) -> UpResult:
        self.did.append(f"restore {name} {checkpoint}")
        return UpResult(existing_lab(name), Plan(()), report_of(self.status), restored=checkpoint)

    def destroy(self, name: str) -> None:
        self.did.append(f"destroy {name}")
        existing_lab(name).folder.remove()

    @contextmanager
    def reaching(self, opened: OpenLab) -> Iterator[object]:
        self.did.append(f"play {opened.lab.name}")
        yield self.stage.nodes

    def run(self, **more: Any) -> Any:
        request = request_of(read_written(self.document), ReproRequest(provider="docker"))
        return run_reproduction(self.document, self.heard, request, **more)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("labgen.actions.session.networks.ranges_in_use", lambda _lab: [])
    opened = lab_of(LabRequest("etcd-patroni-ops", provider="docker"))
    it = Machine(Stage(opened.lab), write(tmp_path / "sample.yml", {}, SEEN))
    for name, replacement in (
        ("up", it.up),
        ("save_checkpoint", it.save),
        ("restore_checkpoint", it.restore),
        ("destroy", it.destroy),
        ("reaching", it.reaching),
        ("get_provider", lambda _name: FakeProvider(it.snapshotter)),
    ):
        monkeypatch.setattr(actions, name, replacement)
    return it


def test_a_lab_is_made_kept_and_left(machine: Machine) -> None:
    outcome = machine.run()
    assert outcome.verdict is ReproVerdict.REPRODUCED
    # Kept before the actions, so that the next run finds it as it was.
    assert machine.did == ["up sample", f"save sample {BEGINNING}", "play sample"]
    assert outcome.path.parent == existing_lab("sample").folder.path / "repro"
    assert outcome.path.stat().st_mode & 0o777 == 0o600
    kept = json.loads(outcome.path.read_text())
    assert (kept["format"], kept["reproduction"], kept["verdict"]) == (1, "sample", "reproduced")
    assert kept["tries"][0]["actions"][0]["evidence"][0]["command"] == "do-it"
    # The lab has a copy of the document, for whoever packs it.
    assert list((existing_lab("sample").folder.path / "overrides").glob("*/*/sample.yml"))


def test_it_is_removed_if_that_is_wanted(machine: Machine) -> None:
    assert machine.run(remove=True).verdict is ReproVerdict.REPRODUCED
    assert machine.did == ["up sample", "play sample", "destroy sample"]


def test_it_is_removed_too_if_it_does_not_come_up(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(request: LabRequest, _reporter: object, _until: str | None = None, **_: object) -> UpResult:
        lab_of(request, make=True).save()
        raise OperationError("it broke")

    monkeypatch.setattr(actions, "up", fails)
    with pytest.raises(OperationError):
        machine.run(remove=True)
    assert machine.did == ["destroy sample"]


def test_a_provider_that_keeps_nothing(machine: Machine) -> None:
    machine.snapshotter = None
    assert machine.run().verdict is ReproVerdict.REPRODUCED
    assert machine.did == ["up sample", "play sample"]


def test_several_tries(machine: Machine) -> None:
    machine.stage.nodes["node1"].says("is-bad", Said(rc=1), Said())
    heard: list[ReproVerdict] = []
    outcome = machine.run(repeat=3, on_try=lambda it: heard.append(it.verdict))
    assert machine.did == ["up sample", f"save sample {BEGINNING}", "play sample"] + 2 * [
        f"restore sample {BEGINNING}",
        "play sample",
    ]
    assert heard == [ReproVerdict.NOT_REPRODUCED, ReproVerdict.REPRODUCED, ReproVerdict.REPRODUCED]
    assert outcome.verdict is ReproVerdict.REPRODUCED
    assert outcome.counts == {"reproduced": 2, "not-reproduced": 1, "unknown": 0}
    assert [phase for phase in machine.heard.phases if "ry" in phase] == [f"Try {n} of 3" for n in (1, 2, 3)]


def test_a_document_that_repeats(machine: Machine, tmp_path: Path) -> None:
    machine.document = write(tmp_path / "racy.yml", {"repeat": "2"}, SEEN)
    assert len(machine.run().tries) == 2


def test_a_sick_lab_is_not_tried(machine: Machine) -> None:
    machine.status = Status.FAIL
    outcome = machine.run()
    assert outcome.verdict is ReproVerdict.UNKNOWN
    assert outcome.reasons == ("patroni-cluster: no leader",)
    assert machine.did == ["up sample"]


def test_a_lab_that_does_not_come_back_ends_the_tries(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def sick(name: str, checkpoint: str, reporter: object) -> UpResult:
        machine.status = Status.FAIL
        return machine.restore(name, checkpoint, reporter)

    monkeypatch.setattr(actions, "restore_checkpoint", sick)
    with pytest.raises(OperationError) as caught:
        machine.run(repeat=3)
    assert caught.value.what == "the lab is not healthy again for another try, after 1 of 1 try reproduced"
    assert caught.value.detail == ("patroni-cluster: no leader",)


def test_until_is_handed_on_and_nobody_need_lead(machine: Machine, tmp_path: Path) -> None:
    body = SEEN.replace("leader", "node1")
    machine.document = write(tmp_path / "early.yml", {"until": "patroni"}, body)
    for node in machine.stage.cluster.members.values():
        node.answers = False
    assert machine.run().verdict is ReproVerdict.REPRODUCED
    assert machine.did[0] == "up sample until patroni"


def keep_beginning(machine: Machine) -> None:
    """As if the run before had kept the lab."""
    opened = existing_lab("sample")
    assert machine.snapshotter is not None
    machine.snapshotter.snapshots["m"] = {node.name for node in opened.lab.nodes}
    actions.store_of(opened).put(
        Checkpoint(BEGINNING, "m", "2026-01-01", "unverified", (), {}, {}, (), actions.version_now(opened), "", "")
    )
    machine.did.clear()


def test_the_next_run_begins_where_the_last_one_did(machine: Machine) -> None:
    machine.run()
    keep_beginning(machine)
    # Other actions make no other lab.
    machine.document.write_text(machine.document.read_text().replace("do-it", "do-that"))
    machine.run()
    assert machine.did == [f"restore sample {BEGINNING}", "play sample"]
    copies = (existing_lab("sample").folder.path / "overrides").glob("*/*/sample.yml")
    assert ["do-that" in copy.read_text() for copy in copies] == [True]


def test_a_wreck_that_cannot_be_brought_back_is_refused(machine: Machine) -> None:
    machine.run()
    keep_beginning(machine)
    text = "overrides: {settings: {patroni: {ttl: 40}}}\n"
    sound = machine.document.read_text()
    machine.document.write_text(sound + text)
    with pytest.raises(OperationError) as caught:
        machine.run()
    assert "is as the last try left it" in caught.value.what
    assert caught.value.detail
    # Nor where what was kept is gone.
    machine.document.write_text(sound)
    assert machine.snapshotter is not None
    machine.snapshotter.snapshots.clear()
    with pytest.raises(OperationError) as caught:
        machine.run()
    assert caught.value.detail == ("something that was kept is gone",)
    assert machine.did == []


def test_a_lab_that_something_left_broken_is_refused(machine: Machine) -> None:
    machine.run()
    undos = Undos(existing_lab("sample").folder.path / FILE, "r", "reproduction sample")
    undos.register(Undo("1", "node1 loses power", None, ("docker", "start", "x")))
    with pytest.raises(OperationError) as caught:
        machine.run()
    assert caught.value.what == "the reproduction sample was cut off, and has left the lab sample unhealed"
    assert caught.value.cure == "labgen drill heal sample"


def test_what_could_not_be_healed_is_told_with_the_verdict(machine: Machine, tmp_path: Path) -> None:
    body = SEEN.replace("run: {on: leader, command: do-it}", "fault: {fault: patroni-stop}")
    machine.document = write(tmp_path / "sample.yml", {}, body)
    machine.stage.nodes["node1"].says("start --no-block patroni", Said(rc=1, stderr="no\n"))
    with pytest.raises(OperationError) as caught:
        machine.run(repeat=3)
    assert caught.value.what == "reproduced, but not everything could be healed"
    assert "labgen drill heal sample" in str(caught.value.cure)
    assert machine.did.count("play sample") == 1
    assert list((existing_lab("sample").folder.path / "repro").glob("sample-*.json"))


def test_another_version_needs_another_lab(machine: Machine) -> None:
    machine.run()
    written = read_written(machine.document)
    request = request_of(written, ReproRequest(overrides=("versions.patroni=4.0.4",)))
    with pytest.raises(UsageError) as caught:
        run_reproduction(machine.document, machine.heard, request)
    assert caught.value.what == "the lab sample exists with the patroni version 4.0.7, not 4.0.4"


@pytest.mark.usefixtures("machine")
def test_the_options_go_over_the_document(tmp_path: Path) -> None:
    path = write(tmp_path / "x.yml", {"profile": "published"}, SEEN)
    more = tmp_path / "more.yml"
    more.write_text("settings: {patroni: {ttl: 50}}\n")
    assert validate_reproduction(str(path), ReproRequest(provider="docker"))[1].os == "debian-11"
    options = ReproRequest("mine", "docker", "modern", ("patroni.loop_wait=9",), (more,))
    lab = validate_reproduction(str(path), options)[1]
    values = lab.node("node1").settings["patroni"]
    assert (lab.name, lab.os, values["ttl"], values["loop_wait"]) == ("mine", "debian-13", 50, 9)
