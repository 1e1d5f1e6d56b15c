"""Faults by what they need and do: those of packages from outside, and providers that say little."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_plugins import install

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.cluster.state import ClusterState
from labgen.components.manifest import DcsRole, VipRole
from labgen.errors import LabgenError, OperationError
from labgen.faults.builtin.services import DCS_STOP
from labgen.faults.injector import heal
from labgen.faults.model import FAILS_OVER, Effect, Fault, Injection
from labgen.faults.registry import all_faults, find_fault
from labgen.faults.undo import FILE, Undo, Undos, left_over
from labgen.lab.resolve import resolve
from labgen.providers import Capability

HOLLOW = """from labgen.providers import Provider

class Hollow(Provider):
    name = "hollow"
"""
FAULT = """from labgen.faults.model import Effect, Fault, Injection

def plan(cluster, node, values):
    return (Injection(node.name, "true", "true"),)

FAULT = Fault("tickle", "is tickled", "leader", {effect}, plan{more})
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield tmp_path / "site"
    for name in ("hollow_provider", "tickling"):
        sys.modules.pop(name, None)


def cluster(provider: str) -> ClusterState:
    lab = resolve(load_blueprint(find_blueprint("etcd-haproxy")), provider=provider)
    return ClusterState(lab, "postgres01", 1, ("postgres02", "postgres03"))


def test_what_a_provider_does_not_say_is_refused(site: Path) -> None:
    install(site, "hollow_provider", HOLLOW, "[labgen.providers]\nhollow = hollow_provider:Hollow\n")
    refused = {fault.name: fault.not_with("hollow") for fault in all_faults()}
    assert {name for name, why in refused.items() if why} == {
        "power-loss",
        "freeze",
        "delay",
        "loss",
        "disk-full",
        "clock-step",
    }
    assert "does not say" in str(refused["disk-full"])
    with pytest.raises(OperationError, match="clock-step cannot be injected with the provider hollow: its machines"):
        find_fault("clock-step").refuse(cluster("hollow"), ("postgres01",))
    find_fault("partition").refuse(cluster("hollow"), ("postgres01",))
    for name in ("power-loss", "freeze"):
        with pytest.raises(OperationError, match="does not say how"):
            find_fault(name).plan(cluster("hollow"), cluster("hollow").lab.node("postgres01"), {})


def test_each_fault_needs_what_would_hit_the_host() -> None:
    needs = {fault.name: set(fault.needs) for fault in all_faults() if fault.needs}
    assert needs == {
        "power-loss": {Capability.POWER},
        "freeze": {Capability.PAUSE},
        "delay": {Capability.OWN_KERNEL},
        "loss": {Capability.OWN_KERNEL},
        "disk-full": {Capability.OWN_DISK},
        "clock-step": {Capability.OWN_CLOCK},
    }


@pytest.mark.parametrize(
    ("effect", "more", "told"),
    [
        ('"lease_expire"', "", "the fault tickle has the effect 'lease_expire'; did you mean 'lease_expires'?"),
        ('"silent"', "", "the fault tickle has the effect 'silent'"),
        ("Effect.SYNC_UNCONFIRMED", "", "the fault tickle has the effect 'sync_unconfirmed'"),
        ("Effect.NOBODY", "", "NOBODY"),
    ],
)
def test_an_effect_that_is_none_is_refused_when_it_is_loaded(site: Path, effect: str, more: str, told: str) -> None:
    code = FAULT.format(effect=effect, more=more)
    install(site, "tickling", code, "[labgen.faults]\ntickle = tickling:FAULT\n")
    with pytest.raises(LabgenError) as caught:
        find_fault("tickle")
    assert told in str(caught.value)
    assert "tickling" in str(caught.value.cure)


def test_a_target_that_is_none_is_refused_too(site: Path) -> None:
    code = FAULT.format(effect="Effect.NONE", more="").replace('"leader"', '"leeder"')
    install(site, "tickling", code, "[labgen.faults]\ntickle = tickling:FAULT\n")
    with pytest.raises(LabgenError, match="has the target 'leeder'; did you mean 'leader'"):
        find_fault("tickle")


def test_a_fault_from_outside(site: Path) -> None:
    code = FAULT.format(effect="Effect.NONE", more=', component=("haproxy",)')
    install(site, "tickling", code, "[labgen.faults]\ntickle = tickling:FAULT\n")
    fault = find_fault("tickle")
    fault.refuse(cluster("docker"), ("haproxy",))
    with pytest.raises(OperationError, match="the fault tickle is about haproxy, and postgres01 carries none"):
        fault.refuse(cluster("docker"), ("postgres01",))


def test_an_effect_may_be_written_as_a_word() -> None:
    fault = Fault("tickle", "is tickled", "leader", "restart", lambda *_: ())  # type: ignore[arg-type]
    assert fault.effect is Effect.RESTART


def test_a_role_is_named_by_the_components_that_have_it_in_the_lab() -> None:
    state = cluster("docker")
    assert DCS_STOP.not_on(state.lab, state.lab.node("etcd")) is None
    assert DCS_STOP.role is DcsRole
    assert DCS_STOP.not_on(state.lab, state.lab.node("haproxy")) == "is about etcd, and haproxy carries none"
    stop = find_fault("vip-stop")
    assert stop.role is VipRole
    assert stop.not_on(state.lab, state.lab.node("haproxy")) == "is about the unit of a vip, and haproxy carries none"


def test_an_address_that_no_unit_moves_cannot_be_stopped() -> None:
    lab = resolve(load_blueprint(find_blueprint("consul-pgbouncer")), provider="docker")
    reason = find_fault("vip-stop").not_on(lab, lab.node("pg-patroni1"))
    assert reason == "is about the unit of a vip, and pg-patroni1 carries none"


def test_effects_after_which_another_one_leads() -> None:
    assert {effect.name for effect in Effect if effect not in FAILS_OVER} == {
        "RESTART",
        "DCS_QUORUM_LOST",
        "NONE",
        "SYNC_UNCONFIRMED",
    }


def test_an_undo_on_this_host_is_done_when_its_tool_says_that_nothing_is_left(tmp_path: Path) -> None:
    class Nodes(dict[str, object]):
        def wait_for(self, node: str, seconds: float) -> None: ...

    def undos(provider: str | None) -> Undos:
        found = Undos(tmp_path / FILE, "run", "drill one")
        command = ("sh", "-c", "echo Error: container web is not paused >&2; exit 1")
        found.register(Undo("run-1", "one", None, command, machine="one", provider=provider))
        return found

    undos("docker")
    kept = left_over(tmp_path)
    assert kept is not None
    assert kept.entries[0].provider == "docker"
    assert heal(Nodes(), kept, lambda _: None) == []  # type: ignore[arg-type]
    for provider in (None, "libvirt"):
        (why,) = heal(Nodes(), undos(provider), lambda _: None)  # type: ignore[arg-type]
        assert "is not paused" in why.what


def test_an_injection_names_whose_tool_it_is() -> None:
    state = cluster("docker")
    (frozen,) = find_fault("freeze").plan(state, state.lab.node("postgres01"), {})
    machine = "labgen-etcd-haproxy-postgres01"
    assert frozen == Injection(None, ("docker", "pause", machine), ("docker", "unpause", machine), provider="docker")
