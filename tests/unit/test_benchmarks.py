"""The benchmarks' own logic: what they start by hand, what they compare, and that they leave nothing behind."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from labs import whole_blueprints

from benchmarks import (
    checkpoint,
    cold_up,
    common,
    floor,
    libvirt_up,
    memory,
    mutate,
    robust,
    scaling,
    startup,
    up_floor,
)
from labgen.actions.lab.render import render
from labgen.actions.session.open import LabRequest, lab_of
from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.errors import LabgenError
from labgen.images.machines import image_specs
from labgen.lab.resolve import resolve
from labgen.plan import StepId, build_plan
from tests.live import Cli


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))


def rendered(tmp_path: Path, blueprint: str) -> Path:
    folder = tmp_path / "rendered"
    render(LabRequest(blueprint, provider="docker", name="floor"), folder, artefacts=False)
    return folder


# ---------------------------------------------------------------- the floor


def test_every_documents_blueprint_has_a_floor() -> None:
    """One that changes another blueprint is measured by that."""
    assert set(common.BLUEPRINTS) == set(floor.ORDERS) == set(whole_blueprints())


@pytest.mark.parametrize("blueprint", common.BLUEPRINTS)
def test_a_floor_starts_what_the_plan_starts(tmp_path: Path, blueprint: str) -> None:
    """By hand nothing may be left out: the comparison would be with a smaller lab."""
    lab = resolve(load_blueprint(find_blueprint(blueprint)), provider="docker")
    one = floor.Floor(rendered(tmp_path, blueprint), blueprint)
    started = {(node, component) for node, own in one.services.items() for component in own}
    # consul-template is started by what needs it.
    planned = {
        (step.id.node, step.id.component)
        for step in build_plan(lab).of_stage("start")
        if step.id.component != "consul-template"
    }
    assert started == planned
    assert one.addresses == {node.name: node.address for node in lab.nodes}
    assert one.images == {node: spec.name for node, spec in image_specs(lab, baked=True).items()}
    assert one.subnet == lab.network.cidr
    assert one.first == lab.nodes_with("patroni")[0].name
    for component in one.order:
        assert component in floor.BY_HAND
        assert one.order[component] in ("", floor.LEADER, *one.order)


@pytest.mark.parametrize("blueprint", common.BLUEPRINTS)
def test_a_floor_waits_for_nobody_who_waits_for_it(tmp_path: Path, blueprint: str) -> None:
    """All nodes of a blueprint pass all gates, side by side, when everything that they do takes no time."""
    one = floor.Floor(rendered(tmp_path, blueprint), blueprint)
    done: list[str] = []
    one._boot = lambda _name: None  # type: ignore[method-assign]
    one._in = lambda name, _script, **values: done.append(name + values["FIRST"])  # type: ignore[method-assign]
    with ThreadPoolExecutor(len(one.images)) as pool:
        list(pool.map(one._node, one.images))
    assert len(done) == sum(len(own) for own in one.services.values())
    assert done.count(one.first + "yes") == 1


def test_nobody_waits_for_a_node_that_has_failed(tmp_path: Path) -> None:
    one = floor.Floor(rendered(tmp_path, "etcd-haproxy"), "etcd-haproxy")
    one._boot = lambda _name: None  # type: ignore[method-assign]

    def fails(_name: str, _script: str, **_values: str) -> None:
        raise SystemExit("etcd does not start")

    one._in = fails  # type: ignore[method-assign]
    with ThreadPoolExecutor(len(one.images)) as pool:
        ends = [future.exception() for future in [pool.submit(one._node, name) for name in one.images]]
    assert all(isinstance(end, SystemExit) for end in ends)
    assert "etcd does not start" in [str(end) for end in ends]


def test_the_archive_has_owners_and_modes(tmp_path: Path) -> None:
    component = tmp_path / "node" / "thing"
    (component / "files" / "etc").mkdir(parents=True)
    (component / "files" / "etc" / "thing.conf").write_text("x=1\n")
    (component / "files.list").write_text("0640 root:thing /etc/thing.conf\n")
    with tarfile.open(fileobj=io.BytesIO(floor.archive(tmp_path / "node"))) as tar:
        (member,) = tar.getmembers()
        content = tar.extractfile(member)
        assert content is not None
        assert content.read() == b"x=1\n"
    assert (member.name, member.mode, member.uname, member.gname) == ("etc/thing.conf", 0o640, "root", "thing")


# ---------------------------------------------------------------- what all share


def test_both_sides_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    turns: list[str] = []
    found = common.by_turns(2, slow=lambda: turns.append("slow") or 4.0, fast=lambda: turns.append("fast") or 2.0)  # type: ignore[func-returns-value]
    assert turns == ["slow", "fast", "slow", "fast"]
    assert common.ratio(found["slow"], found["fast"]) == 2.0
    assert capsys.readouterr().err.splitlines()[-1] == "round 2 of 2: fast"


def test_a_verdict_says_whether_the_target_is_met() -> None:
    assert common.verdict("ratio", 1.2, 1.2).endswith("(target ≤ 1.2: met)")
    assert common.verdict("ratio", 1.3, 1.2).endswith("(target ≤ 1.2: missed)")
    assert common.verdict("times", 5.5, 5, least=True).endswith("(target ≥ 5: met)")
    assert common.verdict("times", 4.5, 5, least=True).endswith("(target ≥ 5: missed)")


def test_rounds_are_counted_from_one() -> None:
    parser = common.options("About.", repeats=3, blueprints=common.BLUEPRINTS)
    assert parser.parse_args(["--repeats", "2", "--blueprint", "etcd-haproxy"]).repeats == 2
    for wrong in (["--repeats", "0"], ["--blueprint", "nothing"]):
        with pytest.raises(SystemExit):
            parser.parse_args(wrong)


def test_a_kill_ends_a_benchmark_as_ctrl_c_does() -> None:
    seen: list[Path] = []

    def killed() -> None:
        with common.scratch() as work:
            assert work.is_dir()
            seen.append(work)
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(5)

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert not seen[0].exists()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_lab_is_removed_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[tuple[tuple[str, ...], str]] = []

    def note(*commands: tuple[str, ...], environment: dict[str, str]) -> None:
        removed.extend((command[-3:], environment["LABGEN_STATE"]) for command in commands)

    monkeypatch.setattr(common, "remove", note)
    with pytest.raises(KeyboardInterrupt), common.lab(Cli(tmp_path), "bench"):
        raise KeyboardInterrupt
    assert removed == [(("destroy", "bench", "--yes"), str(tmp_path))]


def test_a_removal_is_not_cut_off_by_ctrl_c(tmp_path: Path) -> None:
    """As at a terminal, where Ctrl-C reaches every program of the group; the second thing is removed nevertheless."""
    script = f"""
import os, signal, sys
from benchmarks.common import remove
slow = "touch {tmp_path}/began; sleep 0.5; touch {tmp_path}/first"
try:
    remove(("bash", "-c", slow), ("touch", "{tmp_path}/second"))
except KeyboardInterrupt:
    sys.exit(7)
"""
    child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    end = time.monotonic() + 20
    while not (tmp_path / "began").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)
    assert child.wait(20) == 7
    assert (tmp_path / "first").exists()
    assert (tmp_path / "second").exists()


# ---------------------------------------------------------------- damaged inputs


def test_the_same_dice_do_the_same_damage() -> None:
    document = (Path(__file__).parent.parent.parent / "blueprints" / "etcd-haproxy.yml").read_bytes()
    once, again = ([mutate.yaml_changed(Random(number), document) for number in range(30)] for _ in range(2))  # noqa: S311
    assert once == again
    assert len(set(once)) > 25


def test_what_comes_of_an_input_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(error: BaseException) -> Callable[[Random, Path], Callable[[], None]]:
        def run() -> None:
            raise error

        return lambda _dice, _place: run

    large = lambda _dice, _place: lambda: len(b"x" * (320 << 20))  # noqa: E731
    kinds = {
        "fine": lambda _dice, _place: lambda: None,
        "placed": failing(LabgenError("x", where="y")),
        "nowhere": failing(LabgenError("x")),
        "wrong": failing(ValueError("x")),
        "gone": lambda _dice, _place: lambda: os._exit(3),
        "large": large,
    }
    monkeypatch.setattr(robust, "KINDS", kinds)
    outcomes = robust.measure(list(kinds), 1, 2 * len(kinds), tmp_path)
    assert [(it.kind, it.fault) for it in outcomes[::2]] == [
        ("fine", ""),
        ("placed", ""),
        ("nowhere", "no place"),
        ("wrong", "traceback"),
        ("gone", "traceback"),
        ("large", "large"),
    ]
    assert "wrong 0 (2 times): traceback: ValueError in ?: 'x'" in robust.table(robust.summed(outcomes))


def test_damaged_inputs_end_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of each kind, as a sample of what `benchmarks.robust` tries by the thousand."""
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LABGEN_CACHE", str(tmp_path / "cache"))
    kinds = ["blueprint", "overrides", "set", "reproduction", "manifest", "lock", "bundle", "archive"]
    outcomes = robust.measure(kinds, 1, 15 * len(kinds), tmp_path)
    assert [it for it in outcomes if it.fault in ("traceback", "no place")] == []
    assert len({it.kind for it in outcomes if it.accepted}) >= 5


# ---------------------------------------------------------------- one by one


UP: dict[str, Any] = {
    "seconds": 12.0,
    "phases": {"Boot": 5.0, "Provision": 5.0, "Verify": 2.0},
    "chain": [{"step": "a/b/start", "start": 5.0, "seconds": 4.0, "end": 9.0, "after": None}],
    "cpu": 2.0,
    "cpu_children": 5.0,
    "peak_mib": 70.0,
    "peak_child_mib": 90.0,
}


def test_tables() -> None:
    """Each benchmark's table holds its ratio and what it was made from."""
    assert common.to_healthy(UP) == 10
    up = {"up": [UP], "ratio_to_healthy": 1.25, "ratio_to_verified": 1.5, "target": 1.2}
    text = up_floor.table("name", {**up, "floor_seconds": [8.0]})
    assert "1.25      (target ≤ 1.2: missed)" in text
    assert "a/b/start" in text
    assert "1.50      (target ≤ 1.6: met)" in libvirt_up.table("name", {**up, "bare_seconds": [8.0], "target": 1.6})
    assert "90.0 MiB" in memory.table("name", [UP])
    points = {"save_seconds": 3.0, "up_seconds": [12.0], "restore_seconds": [4.0], "ratio": 4 / 12, "target": 0.5}
    assert "0.33      (target ≤ 0.5: met)" in checkpoint.table("name", points)
    side = [{**UP, "bytes": 3 << 20, "base_seconds": 2.0}]
    cold = {"cold": side, "warm": side, "document": side, "ratio": 6.0, "target": 5.0}
    assert "6.00      (target ≥ 5: met)" in cold_up.table("name", cold)
    assert "3.0 MiB" in cold_up.table("name", cold)
    assert " 4.0 times  labgen list" in startup.table({startup.BARE: [0.01], "labgen list": [0.04]})


def test_what_a_program_costs_is_read_from_the_program() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    assert 0.2 <= startup.cpu_seconds((sys.executable, "-c", busy)) < 2
    with pytest.raises(SystemExit, match="out of order"):
        startup.cpu_seconds((sys.executable, "-c", "raise SystemExit('out of order')"))


def test_what_labgen_costs_is_written_down(tmp_path: Path) -> None:
    cost = tmp_path / "cost.json"
    environment = Cli(tmp_path).environment
    subprocess.run([sys.executable, "-m", "benchmarks.measured", str(cost), "version"], env=environment, check=True)
    measured = json.loads(cost.read_text())
    assert measured["cpu"] > 0
    assert 10 < measured["peak_mib"] < 1000


@pytest.mark.parametrize("size", scaling.SIZES)
def test_the_generated_blueprints_are_sound(tmp_path: Path, size: int) -> None:
    file = tmp_path / "many.yml"
    file.write_text(scaling.blueprint(size))
    lab = resolve(load_blueprint(file), provider="docker")
    assert len({node.address for node in lab.nodes}) == len(lab.nodes) == size
    assert len(lab.nodes_with("patroni")) == size - scaling.DCS - scaling.PROXIES


def test_growth_leaves_out_what_every_start_costs() -> None:
    assert scaling.growth({10: [1.5, 1.5, 9.0], 200: [11.0, 11.0, 11.0]}, 0.5) == 10.5


def test_the_documents_way_counts_each_node_s_own_artefacts(tmp_path: Path) -> None:
    opened = lab_of(LabRequest("consul-pgbouncer", provider="docker"))
    folder = rendered(tmp_path, "consul-pgbouncer")
    names = {name for names in opened.lab.artefact_names.values() for name in names}
    for name in names:
        (folder / "artefacts" / name).write_bytes(b"12345")
    document = cold_up.Document(opened, folder, "base")
    # Seven nodes with consul, four of them with consul-template.
    assert names == {"consul", "consul-template"}
    assert document.artefact_bytes() == 5 * (7 + 4)


def test_the_documents_way_keeps_to_the_plan(tmp_path: Path) -> None:
    opened = lab_of(LabRequest("etcd-haproxy", provider="docker"))
    document = cold_up.Document(opened, rendered(tmp_path, "etcd-haproxy"), "base")
    done: list[StepId] = []
    document._run = done.append  # type: ignore[method-assign]
    document._start()
    starts = build_plan(opened.lab).of_stage("start", "ready")
    assert sorted(done) == sorted(step.id for step in starts)
    for step in starts:
        assert all(done.index(other) < done.index(step.id) for other in step.after if other in done)


def test_a_step_that_fails_ends_the_documents_way(tmp_path: Path) -> None:
    opened = lab_of(LabRequest("etcd-haproxy", provider="docker"))
    document = cold_up.Document(opened, rendered(tmp_path, "etcd-haproxy"), "base")

    def fails(step: StepId) -> None:
        raise SystemExit(f"{step} failed")

    document._run = fails  # type: ignore[method-assign]
    with pytest.raises(SystemExit, match="etcd/etcd/start failed"):
        document._start()


def test_the_images_of_a_cold_up_are_nobody_else_s(tmp_path: Path) -> None:
    roots = cold_up.marked_components(tmp_path / "components", "mark")
    plain = lab_of(LabRequest("consul-pgbouncer", provider="docker")).lab
    marked = lab_of(LabRequest("consul-pgbouncer", provider="docker", components=(roots,))).lab
    names = [{spec.name for spec in image_specs(lab, baked=True).values()} for lab in (plain, marked)]
    assert not names[0] & names[1]
    # The base system is the same: nothing of it is copied.
    bases = [{spec.name for spec in image_specs(lab, baked=False).values()} for lab in (plain, marked)]
    assert bases[0] == bases[1]


def test_only_what_comes_from_outside_counts_as_received(tmp_path: Path) -> None:
    for name, count in (("eth0", 100), ("enp1s0", 20), ("lo", 1), ("docker0", 1), ("br-1f", 1), ("veth9", 1)):
        statistics = tmp_path / name / "statistics"
        statistics.mkdir(parents=True)
        (statistics / "rx_bytes").write_text(f"{count}\n")
    assert cold_up.received(tmp_path) == 120


def test_bare_vagrant_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes.vagrant import install_vagrant  # noqa: PLC0415

    calls = install_vagrant(tmp_path, monkeypatch, {"up": "echo 'no such box' >&2; exit 1", "destroy": "true"})
    with pytest.raises(SystemExit, match="no such box"):
        libvirt_up.vagrant(tmp_path, "up", "--no-provision")
    libvirt_up.vagrant(tmp_path, "destroy", "--force")
    assert calls.read_text().splitlines() == ["up --no-provision", "destroy --force"]
