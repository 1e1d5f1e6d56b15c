"""The runner: choosing checks, and outliving what checks and connections may do."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from checks_world import SECRETS, FakeNode, Healthy, Result, lab

from labgen.checks import (
    Check,
    CheckOutcome,
    CheckResult,
    Context,
    Status,
    check_names,
    lab_checks,
    run_checks,
    runner,
)
from labgen.checks.command import json_at
from labgen.checks.context import Unknown
from labgen.components.manifest import CommandCheck, Manifest
from labgen.components.registry import Component
from labgen.errors import UnknownNameError
from labgen.lab.model import Lab
from labgen.plugins import CHECKS, load_plugin, reread_plugins


class Registered(dict[str, Any]):
    """Name → check; what is put in is registered by a package that lies in SITE, as an installed one is."""

    def __init__(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.module = ModuleType("made_checks")
        self.record = site / "made_checks-1.0.dist-info"
        self.record.mkdir(parents=True)
        monkeypatch.setitem(sys.modules, "made_checks", self.module)
        monkeypatch.syspath_prepend(site)

    def __setitem__(self, name: str, check: Any) -> None:
        super().__setitem__(name, check)
        setattr(self.module, f"CHECK{len(self)}", check)
        lines = (f"{name} = made_checks:CHECK{number}\n" for number, name in enumerate(self, 1))
        (self.record / "entry_points.txt").write_text("[labgen.checks]\n" + "".join(lines))
        reread_plugins()


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registered:
    return Registered(tmp_path / "site", monkeypatch)


def run(*names: str, nodes: Any = None, **more: Any) -> dict[str, CheckResult]:
    report = run_checks(lab(), SECRETS, Healthy().nodes if nodes is None else nodes, names or None, **more)
    return {result.name: result for result in report.results}


def lab_with(*entries: Any, blueprint_checks: tuple[str, ...] = ()) -> Lab:
    """The lab with a component `extra` of a third party on the Patroni nodes."""
    manifest = Manifest.model_validate({"name": "extra", "summary": "x", "checks": entries})
    nodes = tuple(
        replace(node, components=(*node.components, "extra"), settings={**node.settings, "extra": {}})
        if "patroni" in node.components
        else node
        for node in lab().nodes
    )
    return replace(
        lab(),
        nodes=nodes,
        components={**lab().components, "extra": Component(Path("extra"), manifest)},
        blueprint=lab().blueprint.model_copy(update={"checks": blueprint_checks}),
    )


# --- which checks


def test_a_lab_gets_what_its_components_list_and_three_more() -> None:
    always, rest = lab_checks(lab())[:3], lab_checks(lab())[3:]
    assert always == ("services", "secrets", "ports")
    assert sorted(rest) == [
        "consul-members",
        "consul-raft",
        "floating-ip",
        "patroni-cluster",
        "patroni-rest",
        "patroni-rest-api",
        "pgbouncer-write",
    ]
    assert set(lab_checks(lab())) <= set(check_names())


def test_the_blueprint_adds_checks_of_its_own() -> None:
    assert lab_checks(lab_with(blueprint_checks=("mine", "ports")))[-1] == "mine"


def test_an_unknown_name_is_refused_before_anything_runs() -> None:
    world = Healthy()
    with pytest.raises(UnknownNameError) as told:
        run_checks(lab(), SECRETS, world.nodes, ["services", "patroni-clutser"])
    assert told.value.cure == "did you mean 'patroni-cluster'?"
    assert not any(node.heard for node in world.nodes.values())


def test_every_registered_check_is_a_check_of_that_name() -> None:
    for name in check_names():
        check = load_plugin(CHECKS, name, Check)
        assert check.name == name
        assert check.title


def test_a_plugin_that_does_not_load_is_unknown(checks: Registered) -> None:
    checks["mine"] = Check("mine", "Mine", lambda _: CheckOutcome.passed("fine"))
    del checks.module.CHECK1
    result = run("mine")["mine"]
    assert result.status is Status.UNKNOWN
    assert "the package made_checks 1.0 cannot be used: AttributeError: " in result.detail


def test_a_plugin_that_registers_something_else_is_unknown(checks: Registered) -> None:
    checks["mine"] = "a string"
    assert run("mine")["mine"].status is Status.UNKNOWN


# --- what may go wrong


def test_everything_passes_on_a_healthy_lab() -> None:
    report = run_checks(lab(), SECRETS, Healthy().nodes)
    assert report.passed
    assert report.summary == "10 checks: 10 passed"
    assert tuple(result.name for result in report.results) == lab_checks(lab())


def test_a_hanging_check_is_left_behind_and_holds_nobody_up(
    checks: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "GRACE", 0.05)
    release = threading.Event()

    def hang(_: Context) -> CheckOutcome:
        release.wait(60)
        return CheckOutcome.passed("too late")

    checks["hangs"] = Check("hangs", "Hangs", hang, deadline=0.2)
    checks["fine"] = Check("fine", "Fine", lambda _: CheckOutcome.passed("fine"))
    order: list[str] = []
    began = time.monotonic()
    results = run("hangs", "fine", on_result=lambda result: order.append(result.name))
    release.set()
    assert time.monotonic() - began < 10
    assert results["hangs"].status is Status.UNKNOWN
    assert results["hangs"].detail == "no answer within 0 s"
    assert results["fine"].status is Status.PASS
    assert order == ["fine", "hangs"]


def test_a_slow_command_gets_no_more_time_than_the_check_has(checks: Registered) -> None:
    limits: list[float | None] = []

    class Slow(FakeNode):
        def run(self, command: str, *, stdin: bytes | None = None, timeout: float | None = None) -> Result:
            del command, stdin
            limits.append(timeout)
            raise TimeoutError(f"no answer in {timeout:.1f} s")

    checks["asks"] = Check("asks", "Asks", lambda c: CheckOutcome.passed(c.output("pgbouncer", "true")), deadline=3)
    result = run("asks", nodes={"pgbouncer": Slow("pgbouncer")})["asks"]
    assert result.status is Status.UNKNOWN
    assert result.detail == "pgbouncer: no answer in 3.0 s"
    assert limits[0] is not None
    assert limits[0] <= 3
    assert [(item.rc, item.stderr) for item in result.evidence] == [(None, "no answer in 3.0 s")]


@pytest.mark.parametrize(
    ("thrown", "status"),
    [(ZeroDivisionError("division by zero"), Status.UNKNOWN), (KeyError("Member"), Status.UNKNOWN)],
)
def test_a_check_that_breaks_is_unknown(checks: Registered, thrown: Exception, status: Status) -> None:
    def explode(_: Context) -> CheckOutcome:
        raise thrown

    checks["breaks"] = Check("breaks", "Breaks", explode)
    result = run("breaks")["breaks"]
    assert result.status is status
    assert type(thrown).__name__ in result.detail


def test_a_node_without_a_connection_is_unknown() -> None:
    nodes = Healthy().nodes
    del nodes["pg-patroni2"]
    result = run("services", nodes=nodes)["services"]
    assert (result.status, result.detail) == (Status.UNKNOWN, "pg-patroni2: there is no connection to it")


def test_a_dead_node_is_not_tried_by_every_check_anew() -> None:
    tries = []

    class Opening(dict[str, FakeNode]):
        def __getitem__(self, name: str) -> FakeNode:
            if name == "consul-node1":
                tries.append(name)
                raise OSError("no route to host")
            return super().__getitem__(name)

    report = run_checks(lab(), SECRETS, Opening(Healthy().nodes))
    assert tries == ["consul-node1"]
    assert report.count(Status.UNKNOWN) >= 4
    assert not report.count(Status.FAIL)


def test_few_commands_at_once_on_one_node(checks: Registered) -> None:
    node = FakeNode("pgbouncer", [("", lambda *_: (time.sleep(0.02), "ok")[1])])
    for number in range(12):
        checks[f"c{number}"] = Check(f"c{number}", "C", lambda c: CheckOutcome.passed(c.output("pgbouncer", "true")))
    results = run(*checks, nodes={"pgbouncer": node})
    assert {result.status for result in results.values()} == {Status.PASS}
    assert 1 < node.most_at_once <= 4


def test_time_to_settle(checks: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "RETRY", 0.01)
    tries = {"settles": 0, "never": 0}

    def settles(_: Context) -> CheckOutcome:
        tries["settles"] += 1
        return CheckOutcome.of("settled", faults=[] if tries["settles"] >= 3 else ["not yet"])

    def never(_: Context) -> CheckOutcome:
        tries["never"] += 1
        return CheckOutcome.failed("no")

    checks["settles"] = Check("settles", "Settles", settles)
    checks["never"] = Check("never", "Never", never, settles=False)
    tries["silent"] = 0

    def silent(_: Context) -> CheckOutcome:
        tries["silent"] += 1
        if tries["silent"] < 3:
            raise Unknown("the connection was lost")
        return CheckOutcome.of("heard")

    checks["silent"] = Check("silent", "Silent", silent, settles=False)
    results = run("settles", "never", "silent", settle=30)
    assert results["settles"].detail == "settled"
    assert results["silent"].detail == "heard"
    assert tries == {"settles": 3, "never": 1, "silent": 3}


def test_without_time_to_settle_a_check_is_tried_once(checks: Registered) -> None:
    tries = []
    checks["never"] = Check("never", "Never", lambda _: tries.append(1) or CheckOutcome.failed("no"))
    run("never")
    assert len(tries) == 1


def test_gently_means_one_after_the_other_each_with_its_own_time_to_settle(checks: Registered) -> None:
    running: list[str] = []
    most: list[int] = []
    tries: dict[str, int] = {"one": 0, "two": 0, "three": 0}

    def judge(name: str) -> CheckOutcome:
        running.append(name)
        most.append(len(running))
        tries[name] += 1
        time.sleep(0.05)
        running.remove(name)
        return CheckOutcome.passed("fine") if tries[name] == 2 else CheckOutcome.failed("not yet")

    for name in tries:
        checks[name] = Check(name, name, lambda _context, name=name: judge(name))
    found = run(*tries, settle=runner.RETRY + 0.2, sequential=True)
    assert [result.status for result in found.values()] == [Status.PASS] * 3
    assert max(most) == 1
    assert list(tries.values()) == [2, 2, 2]


def test_secrets_are_hidden_in_details(checks: Registered) -> None:
    checks["tells"] = Check("tells", "Tells", lambda c: CheckOutcome.failed(c.secrets["patroni"]["app_password"]))
    assert run("tells")["tells"].detail == "‹secret patroni.app_password›"


# --- checks written out in a manifest

LISTENS = {"name": "extra-listens", "title": "Extra listens", "run": "extra status --json"}


def command_result(spec: dict[str, Any], answer: str | Result | Exception) -> CheckResult:
    world = Healthy()
    for name in ("pg-patroni1", "pg-patroni2", "pg-patroni3"):
        world.change(name, "^extra", answer)
    changed = lab_with({**LISTENS, **spec})
    assert "extra-listens" in lab_checks(changed)
    return run_checks(changed, SECRETS, world.nodes, ["extra-listens"]).results[0]


GOOD = '{"role": "leader", "peers": [{"up": true}, {"up": false}]}'


@pytest.mark.parametrize(
    ("spec", "answer", "status", "detail"),
    [
        ({}, "", Status.PASS, "as expected on pg-patroni1"),
        ({"on": "all"}, "", Status.PASS, "as expected on pg-patroni1, pg-patroni2, pg-patroni3"),
        ({}, Result("", 3, "", "broken"), Status.FAIL, "pg-patroni1: exit 3: broken"),
        ({"expect": {"exit": 3}}, Result("", 3, ""), Status.PASS, "as expected on pg-patroni1"),
        ({"expect": {"exit": 3}}, "", Status.FAIL, "pg-patroni1: exit 0, expected exit 3"),
        ({"expect": {"exit": None}}, Result("", 9, ""), Status.PASS, "as expected on pg-patroni1"),
        ({"expect": {"stdout": "^is (up|ok)$"}}, "it\nis up\n", Status.PASS, "as expected on pg-patroni1"),
        ({"expect": {"stdout": "^up$"}}, "down", Status.FAIL, "pg-patroni1: its output does not match ^up$"),
        ({"expect": {"json": {"role": "leader", "peers.0.up": True}}}, GOOD, Status.PASS, "as expected on pg-patroni1"),
        (
            {"expect": {"json": {"peers.1.up": True}}},
            GOOD,
            Status.FAIL,
            "pg-patroni1: peers.1.up is false, expected true",
        ),
        ({"expect": {"json": {"peers.7.up": True}}}, GOOD, Status.FAIL, "pg-patroni1: its JSON has no peers.7.up"),
        ({"expect": {"json": {"role": "leader"}}}, "<html>", Status.FAIL, "pg-patroni1: its output is not JSON"),
        ({}, OSError("gone"), Status.UNKNOWN, "pg-patroni1: gone"),
    ],
)
def test_command_check(spec: dict[str, Any], answer: str | Result | Exception, status: Status, detail: str) -> None:
    result = command_result(spec, answer)
    assert (result.status, result.detail, result.title) == (status, detail, "Extra listens")


def test_command_check_is_a_manifest_entry_beside_names() -> None:
    manifest = Manifest.model_validate({"name": "x", "summary": "x", "checks": ("services", LISTENS)})
    assert manifest.checks[0] == "services"
    assert isinstance(manifest.checks[1], CommandCheck)


@pytest.mark.parametrize("path", ["a.b", "a.0.c", "z", "a.0.b.0"])
def test_json_paths_that_lead_nowhere(path: str) -> None:
    with pytest.raises(LookupError):
        json_at({"a": [{"b": 1}]}, path)
