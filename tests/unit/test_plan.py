"""The order of steps: what waits for what, in small labs of made-up components."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from labs import HEAD, PROFILES, lab, load, write_component

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import load_blueprint
from labgen.errors import UsageError
from labgen.lab.resolve import resolve
from labgen.plan import Plan, StepId, build_plan

ALL = {"install.sh": "", "configure.sh": "", "start.sh": ""}


def step(text: str) -> StepId:
    node, component, stage = text.split("/")
    return StepId(node, component, stage)


def after(plan: Plan, text: str) -> set[str]:
    """What the step TEXT waits for, directly."""
    return {str(other) for found in plan.steps if found.id == step(text) for other in found.after}


def starts(plan: Plan, text: str) -> set[str]:
    return {name for name in after(plan, text) if name.endswith("/start")}


def position(plan: Plan) -> dict[str, int]:
    return {str(step.id): index for index, step in enumerate(plan.steps)}


def check_sound(plan: Plan) -> None:
    """Each step stands after all those it waits for, and they are all there, once."""
    seen: set[StepId] = set()
    for found in plan.steps:
        assert found.after <= seen, f"{found.id} stands before {found.after - seen}"
        assert found.id not in seen
        seen.add(found.id)


@pytest.fixture
def components(tmp_path: Path) -> Path:
    return tmp_path / "components"


def test_stages_of_one_node(tmp_path: Path, components: Path) -> None:
    write_component(components, "alpha", files=ALL)
    write_component(components, "beta", files=ALL)
    plan = build_plan(lab(tmp_path, {"one": ["beta", "alpha"]}))
    check_sound(plan)
    assert after(plan, "one/beta/install") == set()
    assert after(plan, "one/alpha/install") == {"one/beta/install"}
    assert after(plan, "one/alpha/configure") == {"one/alpha/install"}
    assert after(plan, "one/alpha/start") == {"one/alpha/install", "one/beta/install", "one/alpha/configure"}
    assert len(plan.steps) == 6
    assert [str(s.id) for s in plan.of_stage("start")] == [s for s in position(plan) if s.endswith("start")]


def test_a_service_starts_when_all_that_may_change_its_files_is_configured(tmp_path: Path, components: Path) -> None:
    write_component(components, "agent", files=ALL)
    write_component(components, "mover", "requires: [template]\n", ALL)
    write_component(components, "template", files=ALL)
    write_component(components, "other", "requires: [template]\n", ALL)
    write_component(components, "settings", files={"configure.sh": ""})
    plan = build_plan(lab(tmp_path, {"one": ["agent", "mover", "template", "other", "settings"]}))
    check_sound(plan)

    def configured_before(component: str) -> set[str]:
        found = after(plan, f"one/{component}/start")
        return {step.split("/")[1] for step in found if step.endswith("configure")}

    # What starts nothing is there for others; what is required may be configured by whoever requires it.
    assert configured_before("agent") == {"agent", "settings"}
    assert configured_before("mover") == {"mover", "template", "settings"}
    assert configured_before("template") == {"template", "mover", "other", "settings"}


def test_only_stages_with_a_script(tmp_path: Path, components: Path) -> None:
    write_component(components, "alpha", files={"configure.sh": ""})
    write_component(components, "beta", files={"start.sh": ""})
    plan = build_plan(lab(tmp_path, {"one": ["alpha", "beta"]}))
    assert list(position(plan)) == ["one/alpha/configure", "one/beta/start"]
    assert after(plan, "one/alpha/configure") == set()


def test_required_comes_first_whatever_the_blueprint_says(tmp_path: Path, components: Path) -> None:
    write_component(components, "upper", "requires: [lower]\n", ALL)
    write_component(components, "lower", files=ALL)
    plan = build_plan(lab(tmp_path, {"one": ["upper", "lower"]}))
    check_sound(plan)
    assert after(plan, "one/upper/install") == {"one/lower/install"}
    assert starts(plan, "one/upper/start") == {"one/lower/start"}


def test_required_without_a_start_passes_the_wait_on(tmp_path: Path, components: Path) -> None:
    """upper requires library requires lower: there is no library/start, yet upper starts after lower."""
    write_component(components, "upper", "requires: [library]\n", ALL)
    write_component(components, "library", "requires: [lower]\n", {"install.sh": ""})
    write_component(components, "lower", files=ALL)
    plan = build_plan(lab(tmp_path, {"one": ["upper", "library", "lower"]}))
    check_sound(plan)
    assert starts(plan, "one/upper/start") == {"one/lower/start"}


def test_need_on_the_same_node(tmp_path: Path, components: Path) -> None:
    write_component(components, "agent", files=ALL)
    write_component(components, "client", "start: {needs: [{component: agent}]}\n", ALL)
    plan = build_plan(lab(tmp_path, {"one": ["client", "agent"], "two": ["agent"], "three": ["client"]}))
    check_sound(plan)
    assert starts(plan, "one/client/start") == {"one/agent/start"}
    assert starts(plan, "three/client/start") == set()


ROLE = "parameters: {role: {type: string, choices: [server, client], default: client, doc: its part}}\n"
SERVERS_FIRST = ROLE + "start: {needs: [{component: agent, on: lab, where: {role: server}}]}\n"
TWO_SERVERS = """\
nodes:
  - {name: one, address: 192.168.60.11, components: [agent], settings: {agent: {role: server}}}
  - {name: two, address: 192.168.60.12, components: [agent]}
  - {name: three, address: 192.168.60.13, components: [agent], settings: {agent: {role: server}}}
"""


def test_need_of_some_on_the_lab(tmp_path: Path, components: Path) -> None:
    """Clients wait for all servers; servers, which are among those waited for, wait for nobody."""
    write_component(components, "agent", SERVERS_FIRST, ALL)
    plan = build_plan(resolve(load(tmp_path, HEAD + TWO_SERVERS + PROFILES), provider="docker"))
    check_sound(plan)
    assert starts(plan, "two/agent/start") == {"one/agent/start", "three/agent/start"}
    assert starts(plan, "one/agent/start") == starts(plan, "three/agent/start") == set()


def test_need_follows_an_override(tmp_path: Path, components: Path) -> None:
    write_component(components, "agent", SERVERS_FIRST, ALL)
    loaded = load(tmp_path, HEAD + TWO_SERVERS + PROFILES)
    plan = build_plan(resolve(loaded, provider="docker", overrides=["nodes.three.agent.role=client"]))
    assert starts(plan, "three/agent/start") == {"one/agent/start"}


def test_need_on_the_lab_of_another_component(tmp_path: Path, components: Path) -> None:
    write_component(components, "server", files=ALL)
    write_component(components, "proxy", "start: {needs: [{component: server, on: lab}]}\n", ALL)
    plan = build_plan(lab(tmp_path, {"one": ["server", "proxy"], "two": ["server"], "three": ["proxy"]}))
    check_sound(plan)
    assert (
        starts(plan, "one/proxy/start") == starts(plan, "three/proxy/start") == {"one/server/start", "two/server/start"}
    )


def test_need_of_something_that_is_nowhere(tmp_path: Path, components: Path) -> None:
    write_component(components, "proxy", "start: {needs: [{component: server, on: lab}]}\n", ALL)
    assert starts(build_plan(lab(tmp_path, {"one": ["proxy"]})), "one/proxy/start") == set()


def test_first_alone(tmp_path: Path, components: Path) -> None:
    write_component(components, "cluster", "start: {first_alone: true}\n", ALL)
    write_component(components, "other", files=ALL)
    plan = build_plan(lab(tmp_path, {"zero": ["other"], "one": ["cluster"], "two": ["cluster"], "three": ["cluster"]}))
    check_sound(plan)
    assert starts(plan, "one/cluster/start") == set()
    assert starts(plan, "two/cluster/start") == starts(plan, "three/cluster/start") == {"one/cluster/start"}


def test_ready_comes_after_start_and_is_what_others_need(tmp_path: Path, components: Path) -> None:
    write_component(components, "server", files=ALL)
    write_component(components, "proxy", "ready: {needs: [{component: server, on: lab}]}\n", {**ALL, "ready.sh": ""})
    write_component(components, "address", "requires: [proxy]\n", ALL)
    write_component(components, "client", "start: {needs: [{component: proxy, on: lab}]}\n", ALL)
    plan = build_plan(lab(tmp_path, {"one": ["server"], "two": ["proxy", "address"], "three": ["client"]}))
    check_sound(plan)
    assert starts(plan, "two/proxy/start") == set()
    assert after(plan, "two/proxy/ready") == {"two/proxy/start", "one/server/start"}
    # What has to be on the same node has to run; what is needed has to be of use.
    assert starts(plan, "two/address/start") == {"two/proxy/start"}
    assert after(plan, "three/client/start") >= {"two/proxy/ready"}
    assert "two/proxy/start" not in after(plan, "three/client/start")


def test_the_first_alone_has_started_before_the_others_start(tmp_path: Path, components: Path) -> None:
    write_component(components, "cluster", "start: {first_alone: true}\n", {**ALL, "ready.sh": ""})
    plan = build_plan(lab(tmp_path, {"one": ["cluster"], "two": ["cluster"]}))
    assert after(plan, "two/cluster/start") >= {"one/cluster/start"}


def test_the_vip_does_not_wait_for_the_database() -> None:
    shipped = resolve(load_blueprint(find_blueprint("etcd-haproxy-keepalived")), provider="docker")
    plan = build_plan(shipped)
    assert not {name for name in closure(plan, "postgresql-patroni01/keepalived/start") if "/patroni/start" in name}
    assert "postgresql-patroni03/patroni/ready" in after(plan, "postgresql-patroni01/haproxy/ready")


def test_nodes_are_independent_before_start(tmp_path: Path, components: Path) -> None:
    write_component(components, "agent", SERVERS_FIRST, ALL)
    plan = build_plan(resolve(load(tmp_path, HEAD + TWO_SERVERS + PROFILES), provider="docker"))
    for found in plan.of_stage("install", "configure"):
        assert {other.node for other in found.after} <= {found.id.node}


def test_circle_across_nodes(tmp_path: Path, components: Path) -> None:
    write_component(components, "ping", "start: {needs: [{component: pong, on: lab}]}\n", ALL)
    write_component(components, "pong", "start: {needs: [{component: ping, on: lab}]}\n", ALL)
    with pytest.raises(UsageError) as caught:
        build_plan(lab(tmp_path, {"one": ["ping"], "two": ["pong"]}))
    assert set(caught.value.detail) == {
        "one/ping/start waits for two/pong/start",
        "two/pong/start waits for one/ping/start",
    }


def closure(plan: Plan, text: str) -> set[str]:
    """Everything that has been done when the step TEXT begins."""
    direct = {found.id: found.after for found in plan.steps}
    seen: set[StepId] = set()

    def walk(steps: Iterable[StepId]) -> None:
        for one in steps:
            if one not in seen:
                seen.add(one)
                walk(direct[one])

    walk(direct[step(text)])
    return {str(one) for one in seen}


def test_shipped_blueprint() -> None:
    shipped = resolve(load_blueprint(find_blueprint("consul-pgbouncer")), provider="docker")
    plan = build_plan(shipped)
    check_sound(plan)
    assert starts(plan, "consul-node1/consul/start") == set()
    assert "pg-patroni1/consul/start" in starts(plan, "pg-patroni1/patroni/start")
    assert "pg-patroni1/patroni/start" in starts(plan, "pg-patroni2/patroni/start")
    assert "pg-patroni2/patroni/start" not in closure(plan, "pg-patroni3/patroni/start")
    assert {s.id.node for s in plan.of_stage("start")} == {node.name for node in shipped.nodes}


ORDER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from labs import lab
from labgen.plan import build_plan
nodes = {{f"n{{i}}": ["waits", "plain"] for i in range(6)}}
print(*(s.id for s in build_plan(lab(Path({root!r}), nodes)).steps), sep="\\n")
"""


def test_order_is_the_same_in_every_process(tmp_path: Path, components: Path) -> None:
    """The Vagrantfile is written from this order: it must not change with the hash seed."""
    write_component(components, "plain", files={"start.sh": ""})
    write_component(components, "waits", "start: {needs: [{component: plain, on: lab}]}\n", {"start.sh": ""})
    orders = set()
    for seed in ("1", "2", "3"):
        code = ORDER.format(tests=str(Path(__file__).parent), root=str(tmp_path))
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        orders.add(done.stdout)
    assert len(orders) == 1
    assert orders.pop().count("\n") == 12


def test_two_hundred_nodes(tmp_path: Path, components: Path) -> None:
    """Each client waits for each of five servers; the bound is generous, but an accidental n³ would break it."""
    write_component(components, "agent", SERVERS_FIRST, ALL)
    write_component(components, "database", "requires: [agent]\nstart: {first_alone: true}\n", ALL)
    nodes = "".join(
        f"  - name: n{i}\n"
        f"    address: 10.1.{i // 200}.{i % 200 + 10}\n"
        f"    components: [agent, database]\n"
        f"    settings: {{agent: {{role: {'server' if i < 5 else 'client'}}}}}\n"
        for i in range(200)
    )
    text = f"name: many\ntitle: Many\nnetwork: {{cidr: 10.1.0.0/16}}\nnodes:\n{nodes}{PROFILES}"
    loaded = load(tmp_path, text)
    begun = time.process_time()
    plan = build_plan(resolve(loaded, provider="docker"))
    assert time.process_time() - begun < 5
    check_sound(plan)
    assert len(plan.steps) == 200 * 2 * 3
    assert starts(plan, "n150/agent/start") == {f"n{i}/agent/start" for i in range(5)}
    assert starts(plan, "n150/database/start") == {"n150/agent/start", "n0/database/start"}
