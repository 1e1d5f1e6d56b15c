"""Checkpoints: their records, what makes two versions of a lab differ, saving and coming back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labgen.actions import checkpoint as actions
from labgen.actions.phases.base import run_if_needed
from labgen.actions.phases.restore import Restore
from labgen.actions.phases.resume import Resume
from labgen.actions.phases.suggest_checkpoint import SuggestCheckpoint
from labgen.actions.session import checkpoints
from labgen.checkpoint import Checkpoint, CheckpointStore, LabVersion, check_name, differences
from labgen.checkpoint.clocks import set_clock, set_clocks
from labgen.checks import CheckReport, CheckResult, Status
from labgen.errors import HostError, LabgenError, NodeError, OperationError, UnknownNameError, UsageError
from labgen.lab.model import Lab
from labgen.plan import StepId, build_plan
from labgen.provision import Journal, step_digests
from labgen.render.folder import write_folder
from labgen.render.lab import Machines, render_lab
from labgen.state import lab_folder
from tests.fakes.connection import Answer, FakeConnection
from tests.fakes.vagrant import install_vagrant
from tests.fakes.world import ClusterState

VERSION = LabVersion(
    provider="docker",
    profile="modern",
    os="debian-13",
    network="10.10.1.0/24",
    nodes={"node1": {"address": "10.10.1.11", "components": "postgresql patroni", "memory": "384 MiB", "cpus": "1"}},
    versions={"patroni": "3.3.2"},
    overrides=("patroni.ttl=25",),
    steps={"node1/patroni/configure": "aa", "node1/patroni/start": "bb"},
)
CHECKPOINT = Checkpoint(
    name="well",
    snapshot_id="c0",
    saved="2026-01-01T10:00:00+00:00",
    condition="verified",
    about=(),
    sizes={"node1": 5},
    hosts={"node1": ("172.17.0.2", 22, "vagrant")},
    pending=("node1/patroni/start",),
    version=VERSION,
    journal='{"event": "done"}\n',
    known_hosts="node1 ssh-ed25519 AAAA\n",
)


# ---------------------------------------------------------------- records


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore("tour", tmp_path / "checkpoints", tmp_path / "restoring")


def test_there_and_back(store: CheckpointStore) -> None:
    store.put(CHECKPOINT)
    assert store.get("well") == CHECKPOINT
    assert store.all() == [CHECKPOINT]
    assert (store.folder / "well.json").stat().st_mode & 0o777 == 0o600


def test_a_record_of_the_first_format_is_read(store: CheckpointStore) -> None:
    store.put(CHECKPOINT)
    path = store.folder / "well.json"
    data = json.loads(path.read_text())
    data |= {"format": 1, "mark": data.pop("snapshot_id")}
    path.write_text(json.dumps(data))
    assert store.get("well") == CHECKPOINT


def test_oldest_first_and_one_of_a_name(store: CheckpointStore) -> None:
    store.put(replace(CHECKPOINT, name="later", saved="2026-01-02T10:00:00+00:00"))
    store.put(CHECKPOINT)
    store.put(replace(CHECKPOINT, snapshot_id="c9"))
    assert [(it.name, it.snapshot_id) for it in store.all()] == [("well", "c9"), ("later", "c0")]


def test_an_unknown_name_lists_those_that_there_are(store: CheckpointStore) -> None:
    store.put(CHECKPOINT)
    with pytest.raises(UnknownNameError) as caught:
        store.get("before-failover")
    assert caught.value.cure == "there is: well"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "name": 3}'])
def test_a_damaged_record_is_none(store: CheckpointStore, text: str) -> None:
    store.put(CHECKPOINT)
    (store.folder / "broken.json").write_text(text)
    assert [it.name for it in store.all()] == ["well"]


def test_a_newer_record_is_no_damage(store: CheckpointStore) -> None:
    store.put(CHECKPOINT)
    (store.folder / "newer.json").write_text(json.dumps({**asdict(CHECKPOINT), "format": 99}))
    with pytest.raises(LabgenError, match="newer labgen"):
        store.all()


def test_a_restore_under_way_is_of_a_checkpoint_that_there_is(store: CheckpointStore) -> None:
    store.put(CHECKPOINT)
    assert store.under_way() is None
    store.begin_restore("well")
    assert store.under_way() == "well"
    store.remove("well")
    assert store.under_way() is None


@pytest.mark.parametrize("name", ["Well", "../x", "a b", "", "-a", "a--b", "9a", "a" * 41])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


# ---------------------------------------------------------------- versions


def test_the_same_lab_does_not_differ() -> None:
    assert differences(VERSION, VERSION) == []


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (replace(VERSION, versions={"patroni": "4.0.7"}), ["patroni 3.3.2, now 4.0.7"]),
        (replace(VERSION, profile="published", os="debian-11"), ["profile modern, now published", "operating system"]),
        (replace(VERSION, network="10.77.1.0/24"), ["network 10.10.1.0/24, now 10.77.1.0/24"]),
        (replace(VERSION, nodes={**VERSION.nodes, "node4": VERSION.nodes["node1"]}), ["node node4 was added"]),
        (replace(VERSION, nodes={}), ["node node1 was removed"]),
        (
            replace(VERSION, nodes={"node1": {**VERSION.nodes["node1"], "memory": "512 MiB"}}),
            ["node1: memory 384 MiB, now 512 MiB"],
        ),
        (replace(VERSION, overrides=()), ["--set patroni.ttl=25 is gone"]),
        (replace(VERSION, overrides=("patroni.ttl=25", "x=1")), ["--set x=1 was not there"]),
        (
            replace(VERSION, steps={**VERSION.steps, "node1/patroni/start": "cc"}),
            ["changed: patroni start on node1"],
        ),
    ],
)
def test_a_difference_is_named(now: LabVersion, told: list[str]) -> None:
    found = differences(VERSION, now)
    assert len(found) == len(told)
    assert all(line.startswith(start) for line, start in zip(found, told, strict=True))


def test_steps_are_named_only_where_nothing_else_explains_them() -> None:
    now = replace(VERSION, versions={"patroni": "4.0.7"}, steps={"node1/patroni/start": "zz"})
    assert differences(VERSION, now) == ["patroni 3.3.2, now 4.0.7"]


def test_a_changed_library_is_one_line() -> None:
    steps = {f"node1/{component}/start": "aa" for component in "abcdefgh"}
    now = replace(VERSION, steps=dict.fromkeys(steps, "bb"))
    assert len(differences(replace(VERSION, steps=steps), now)) == 1


# ---------------------------------------------------------------- clocks


def test_a_clock_is_set_in_utc_to_the_millisecond() -> None:
    assert set_clock(1700000000.25).startswith("date --utc --set=@1700000000.250 && ")


def test_every_clock_is_set_or_named() -> None:
    good, bad = FakeConnection(), FakeConnection({"date": Answer(rc=1, stderr="date: cannot set date")})
    with pytest.raises(NodeError, match="on n2") as caught:
        set_clocks({"n1": good, "n2": bad}, "tour")
    assert caught.value.detail == ("n2: date: cannot set date",)
    assert any("--set=@" in command for command in good.commands)


# ---------------------------------------------------------------- saving


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterState:
    return ClusterState(tmp_path, monkeypatch)


def report(monkeypatch: pytest.MonkeyPatch, *, passed: bool) -> None:
    def run_checks(*_: object, **__: object) -> CheckReport:
        status = Status.PASS if passed else Status.FAIL
        result = CheckResult(name="services", title="", status=status, detail="patroni is dead", evidence=(), seconds=0)
        return CheckReport("l", "b", "docker", "modern", "debian-13", datetime.now(UTC), 0.0, (result,))

    monkeypatch.setattr(actions, "run_checks", run_checks)


def test_a_save_is_whole_or_not_there(world: ClusterState) -> None:
    made = world.save()
    assert world.store.get("well") == made
    assert world.snapshotter.snapshots == {made.snapshot_id: {"node0", "node1", "node2", "node3"}}
    assert (made.condition, made.pending, made.size) == ("unverified", (), 4 * (3 << 20))
    assert made.journal == world.folder.journal.read_text()
    assert not differences(made.version, checkpoints.version_now(world.opened))
    assert not list(world.folder.path.glob(".version-*"))


@pytest.mark.parametrize(("passed", "condition"), [(True, "verified"), (False, "failed")])
def test_whether_the_checks_passed_is_written_down(
    world: ClusterState, monkeypatch: pytest.MonkeyPatch, passed: bool, condition: str
) -> None:
    report(monkeypatch, passed=passed)
    made = world.save(verify=True)
    assert made.condition == condition
    assert made.about == (() if passed else ("services: patroni is dead",))


def test_an_unfinished_lab_is_saved_as_that(world: ClusterState) -> None:
    world.finish("patroni")
    made = world.save(verify=True)
    assert made.condition == "unfinished"
    assert made.about == tuple(f"patroni {stage} on node1, node2, node3" for stage in ("start", "ready"))
    assert set(made.pending) == {f"node{n}/patroni/{stage}" for n in (1, 2, 3) for stage in ("start", "ready")}
    assert "Verify" not in world.heard.phases


def test_a_save_that_fails_leaves_what_was_there(world: ClusterState) -> None:
    first = world.save()

    def fail() -> None:
        raise KeyboardInterrupt

    world.snapshotter.on_save = fail
    with pytest.raises(KeyboardInterrupt):
        world.save(force=True)
    assert world.store.all() == [first]
    assert set(world.snapshotter.snapshots) == {first.snapshot_id}


def test_what_a_killed_save_left_goes_with_the_next(world: ClusterState) -> None:
    world.snapshotter.snapshots["c666"] = {"node0"}
    made = world.save()
    assert set(world.snapshotter.snapshots) == {made.snapshot_id}


def test_a_name_is_taken_until_it_is_forced(world: ClusterState) -> None:
    first = world.save()
    with pytest.raises(UsageError, match="already"):
        world.save()
    second = world.save(force=True)
    assert first.snapshot_id != second.snapshot_id
    assert set(world.snapshotter.snapshots) == {second.snapshot_id}
    assert world.store.all() == [second]


def test_only_a_lab_that_runs_is_saved(world: ClusterState) -> None:
    world.provider.word = {"node2": "stopped"}
    with pytest.raises(OperationError) as caught:
        world.save()
    assert caught.value.detail == ("node2 is stopped",)
    assert world.snapshotter.heard == []


def test_the_save_after_one_that_was_killed_goes_on(world: ClusterState) -> None:
    world.provider.word = {"node1": "paused"}
    unpause = world.snapshotter.unpause

    def go_on(lab: Lab) -> None:
        unpause(lab)
        world.provider.word = {}

    world.snapshotter.unpause = go_on  # type: ignore[method-assign]
    made = world.save()
    assert world.snapshotter.heard[0] == "unpause"
    assert "an earlier save was cut off: its machines go on" in world.heard.notes
    assert set(world.snapshotter.snapshots) == {made.snapshot_id}


def test_what_a_drill_has_paused_stays_so(world: ClusterState, monkeypatch: pytest.MonkeyPatch) -> None:
    world.provider.word = {"node1": "paused"}
    monkeypatch.setattr("labgen.actions.checkpoint.left_over", lambda _folder: object())
    with pytest.raises(OperationError):
        world.save()
    assert world.snapshotter.heard == []


def test_a_save_needs_room(world: ClusterState) -> None:
    world.snapshotter.mib = 1 << 40
    with pytest.raises(HostError, match="MiB of disk"):
        world.save()
    assert world.snapshotter.heard == []


def test_a_provider_without_a_snapshotter_is_refused_beforehand(world: ClusterState) -> None:
    world.provider.snapshotter = None
    with pytest.raises(OperationError, match="no checkpoints with docker"):
        world.save()


def test_delete_takes_all_of_it(world: ClusterState) -> None:
    world.save()
    kept = world.save("other")
    assert actions.delete(world.name, "well").name == "well"
    assert world.store.all() == [kept]
    assert set(world.snapshotter.snapshots) == {kept.snapshot_id}
    with pytest.raises(UnknownNameError) as caught:
        actions.delete(world.name, "well")
    assert caught.value.cure == "there is: other"


def test_the_list_says_what_fits(world: ClusterState) -> None:
    assert actions.checkpoint_lines(world.name) == []
    world.save()
    lost = world.save("lost")
    world.snapshotter.snapshots[lost.snapshot_id].discard("node3")
    well, lost_line = actions.checkpoint_lines(world.name)
    assert (well["name"], well["fits"], well["mib"], well["condition"]) == ("well", True, 12, "unverified")
    assert lost_line["differences"] == ["what was kept of node3 is gone"]


# ---------------------------------------------------------------- coming back


def test_another_version_is_refused_before_anything_changes(world: ClusterState) -> None:
    world.save()
    record = world.folder.record()
    world.folder.save(replace(record, overrides=("patroni.ttl=35",)), world.folder.blueprint)
    with pytest.raises(OperationError) as caught:
        actions.restore(world.name, "well", world.heard)
    assert caught.value.detail == ("--set patroni.ttl=35 was not there",)
    assert not world.folder.restoring.exists()
    assert "restore" not in " ".join(world.snapshotter.heard)


def test_one_that_is_not_whole_is_refused(world: ClusterState) -> None:
    made = world.save()
    world.snapshotter.snapshots[made.snapshot_id].discard("node3")
    with pytest.raises(OperationError, match="of node3 is gone"):
        actions.restore(world.name, "well", world.heard)


def started(world: ClusterState) -> set[str]:
    journal = Journal(world.folder.journal)
    digests = step_digests(build_plan(world.opened.lab), world.folder.rendered)
    done = {str(step) for step, digest in digests.items() if journal.is_done(step, digest)}
    journal.close()
    return {step for step in done if step.endswith("/start")}


def test_machines_are_made_from_the_images_and_started_anew(
    world: ClusterState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.save()
    journal = Journal(world.folder.journal)
    journal.forget_node("node1")
    journal.close()
    world.folder.known_hosts.write_text("node1 ssh-ed25519 BBBB\n")
    calls = install_vagrant(tmp_path, monkeypatch, {"up": 'grep -c image-of-node Vagrantfile > "$PWD/../booted"'})
    assert run_if_needed(Restore(world.request("well")), world.heard) == "well"
    assert calls.read_text().startswith("up --no-provision")
    assert (world.folder.path / "booted").read_text() == "4\n"
    assert world.folder.known_hosts.read_text() == made.known_hosts
    assert "node1/patroni/configure" in world.folder.journal.read_text().replace('", "component": "', "/").replace(
        '", "stage": "', "/"
    )
    assert started(world) == set()
    assert Restore(world.request()).work() is None


def test_a_live_one_goes_on_where_it_was(world: ClusterState) -> None:
    world.snapshotter.live = True
    world.save()
    run_if_needed(Restore(world.request("well")), world.heard)
    assert len(started(world)) == 4


def test_a_restore_that_was_cut_off_is_gone_on_with(world: ClusterState) -> None:
    world.snapshotter.live = True
    made = world.save()

    def fail() -> None:
        raise KeyboardInterrupt

    world.snapshotter.on_restore = fail
    with pytest.raises(KeyboardInterrupt):
        run_if_needed(Restore(world.request("well")), world.heard)
    with pytest.raises(OperationError, match="half-way back"):
        world.save("another")
    world.snapshotter.on_restore = lambda: None
    assert run_if_needed(Restore(world.request()), world.heard) == "well"
    assert world.snapshotter.heard.count(f"restore {made.snapshot_id}") == 2
    assert Restore(world.request()).work() is None


def test_what_stands_still_goes_on(world: ClusterState) -> None:
    assert Resume(world.request()).work() is None
    world.provider.word = {"node1": "paused"}
    run_if_needed(Resume(world.request()), world.heard)
    assert world.heard.phases == ["Resume"]
    assert world.snapshotter.heard == ["unpause"]


Change = Callable[[ClusterState], object]


@pytest.mark.parametrize(
    ("change", "offered"),
    [
        (lambda _: None, False),
        (lambda w: w.provider.word.update(node1="stopped"), True),
        (lambda w: w.finish("patroni"), True),
        (lambda w: (w.provider.word.update(node1="stopped"), w.snapshotter.snapshots.clear()), False),
    ],
)
def test_up_names_a_checkpoint_that_saves_work(
    world: ClusterState, monkeypatch: pytest.MonkeyPatch, change: Change, offered: bool
) -> None:
    report(monkeypatch, passed=True)
    world.save("older", verify=True)
    world.save(verify=True)
    world.save("unverified")
    change(world)
    run_if_needed(SuggestCheckpoint(world.request(), None), world.heard)
    assert ("Checkpoints" in world.heard.phases) is offered
    if offered:
        assert f"labgen checkpoint restore {world.name} " in world.heard.notes[-1]
        assert "unverified" not in world.heard.notes[-1]


def test_no_checkpoint_of_another_version_is_named(world: ClusterState, monkeypatch: pytest.MonkeyPatch) -> None:
    report(monkeypatch, passed=True)
    made = world.save(verify=True)
    world.store.put(replace(made, version=replace(made.version, versions={"patroni": "2.0.2"})))
    world.provider.word = {"node1": "absent"}
    assert SuggestCheckpoint(world.request(), None).work() is None


def test_the_folder_of_a_lab_has_its_checkpoints(world: ClusterState) -> None:
    world.save()
    assert (world.folder.checkpoints / "well.json").is_file()
    world.folder.remove()
    assert not lab_folder(world.name).checkpoints.exists()


def test_the_version_follows_what_would_be_rendered_now(world: ClusterState, tmp_path: Path) -> None:
    digests = checkpoints.digests_now(world.opened)[1]
    plain = render_lab(
        world.opened.lab,
        build_plan(world.opened.lab),
        world.folder.secrets(world.opened.lab),
        world.folder.keys(),
        Machines(images={node.name: "image" for node in world.opened.lab.nodes}),
    )
    write_folder(plain, tmp_path / "elsewhere")
    assert digests == step_digests(build_plan(world.opened.lab), tmp_path / "elsewhere")
    assert StepId("node1", "patroni", "start") in digests
