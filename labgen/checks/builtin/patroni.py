"""Patroni: one leader, every replica streaming on its timeline, and a REST API that says the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labgen.checks.builtin.postgresql import local_sql
from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count, listed
from labgen.lab.model import Node
from labgen.reading import parse_json

LIST_COMMAND = "patronictl -c /etc/patroni/config.yml list"
PORT = 8008
LEADERS = ("leader", "standby_leader")
PATHS = ("primary", "replica", "health")


@dataclass(frozen=True)
class PatroniMember:
    """One member of a cluster, as patronictl or the REST API show it. Roles are spelled as in REST `/cluster`."""

    name: str
    host: str
    role: str
    state: str
    timeline: int | None
    lag_mb: int | None = None

    @property
    def leads(self) -> bool:
        return self.role in LEADERS


@dataclass(frozen=True)
class PatroniCluster:
    """A whole cluster; PAUSED is maintenance mode."""

    members: tuple[PatroniMember, ...]
    paused: bool = False

    @property
    def leaders(self) -> tuple[PatroniMember, ...]:
        return tuple(member for member in self.members if member.leads)


def parse_list(text: str) -> PatroniCluster:
    """The cluster in the table that `patronictl list` prints, in any version from 1.6 to 4.1.

    The title may stand in the first or in the second rule, 1.6 leaves a replica's role blank, and from 4.1 there are
    two columns called Lag, each after the position it belongs to.
    """
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    if not rows or "Member" not in rows[0]:
        raise Unknown(f"patronictl printed no table: {text.strip()[:80]!r}")
    header = [
        f"{before} {name}" if name == "Lag" else name for before, name in zip(["", *rows[0]], rows[0], strict=False)
    ]
    members = []
    for row in rows[1:]:
        cells = dict(zip(header, row, strict=False))
        if not cells.get("Member"):  # further lines of the member above: its tags
            continue
        lag = cells.get("Lag in MB", cells.get("Replay LSN Lag", ""))
        members.append(
            PatroniMember(
                name=cells["Member"].lstrip("+ "),
                host=re.sub(r":\d+$", "", cells.get("Host", "")),
                role=cells.get("Role", "").lower().replace(" ", "_") or "replica",
                state=cells.get("State", ""),
                timeline=_number(cells.get("TL")),
                lag_mb=_number(lag),
            )
        )
    return PatroniCluster(tuple(members), paused="Maintenance mode: on" in text)


def parse_cluster(text: str) -> PatroniCluster:
    """The cluster in the answer of REST `GET /cluster`."""
    try:
        document = parse_json(text)
        members = tuple(_rest_member(entry) for entry in document["members"])
    except (ValueError, LookupError, TypeError, AttributeError) as why:
        raise Unknown(f"REST /cluster answers {text.strip()[:80]!r}") from why
    return PatroniCluster(members, paused=bool(document.get("pause")))


def _rest_member(entry: Mapping[str, Any]) -> PatroniMember:
    lag = entry.get("replay_lag", entry.get("lag"))
    return PatroniMember(
        name=str(entry["name"]),
        host=str(entry.get("host", "")),
        role={"master": "leader", "primary": "leader"}.get(entry["role"], str(entry["role"])),
        state=str(entry.get("state", "")),
        timeline=_number(entry.get("timeline")),
        lag_mb=round(lag / 1024 / 1024) if isinstance(lag, int) else None,
    )


def _number(value: object) -> int | None:
    return int(str(value)) if str(value).isdecimal() else None


def judge_cluster(
    cluster: PatroniCluster, expected: Mapping[str, str], streaming: Sequence[str] | None
) -> CheckOutcome:
    """Whether the EXPECTED members (name → address) are there, one leads, and the others stream on its timeline.

    STREAMING names those that the leader itself sees streaming; None if it could not be asked. Patroni below 3.0.4
    calls a replica `running` whether it streams or not, so only the leader's word counts for those.
    """
    seen = {member.name: member for member in cluster.members}
    faults = [f"{name} is missing" for name in expected if name not in seen]
    faults += [f"{name} is not of this lab" for name in seen if name not in expected]
    faults += [
        f"{member.name} is at {member.host or 'no address'}, not at {expected[member.name]}"
        for member in cluster.members
        if member.host != expected.get(member.name, member.host)
    ]
    if cluster.paused:
        faults.append("maintenance mode is on: there is no automatic failover")
    if len(cluster.leaders) != 1:
        leaders = cluster.leaders
        faults.append(f"{len(leaders)} leaders: {listed(m.name for m in leaders)}" if leaders else "no leader")
        return CheckOutcome.of("", faults=faults)
    leader = cluster.leaders[0]
    if leader.state != "running":
        faults.append(f"the leader {leader.name} is {leader.state or 'in no known state'}")
    replicas = [member for member in cluster.members if not member.leads]
    for replica in replicas:
        fault = _replica_fault(replica, leader, streaming)
        if fault:
            faults.append(f"{replica.name} {fault}")
    lags = [replica.lag_mb for replica in replicas if replica.lag_mb]
    behind = f", up to {max(lags)} MB behind" if lags else ""
    fine = f"leader {leader.name} on timeline {leader.timeline}, {count(len(replicas), 'replica')} streaming{behind}"
    return CheckOutcome.of(fine, faults=faults)


def _replica_fault(replica: PatroniMember, leader: PatroniMember, streaming: Sequence[str] | None) -> str | None:
    if replica.state not in ("running", "streaming"):
        return f"is {replica.state or 'in no known state'}"
    if replica.timeline != leader.timeline:
        return f"is on timeline {replica.timeline}, the leader on {leader.timeline}"
    if streaming is not None and replica.name not in streaming:
        return "does not stream from the leader"
    return None


def differences(table: PatroniCluster, rest: PatroniCluster) -> list[str]:
    """Where patronictl and the REST API tell two stories."""

    def story(cluster: PatroniCluster) -> dict[str, tuple[str, int | None]]:
        return {member.name: (member.role, member.timeline) for member in cluster.members}

    left, right = story(table), story(rest)
    return [
        f"patronictl shows {name} as {_told(left.get(name))}, REST /cluster as {_told(right.get(name))}"
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]


def _told(what: tuple[str, int | None] | None) -> str:
    return "no member" if what is None else f"{what[0]} on timeline {what[1]}"


def parse_codes(text: str) -> dict[str, int]:
    """Path → HTTP status from lines like `primary 200`; 0 means that nothing answered."""
    pairs = re.findall(r"^(\w+) (\d{3})$", text, re.MULTILINE)
    if len(pairs) != len(PATHS):
        raise Unknown(f"curl printed {text.strip()[:80]!r}")
    return {path: int(code) for path, code in pairs}


def parse_recovery(text: str) -> bool:
    """Whether a server takes writes, from what pg_is_in_recovery() says."""
    if text.strip() not in ("t", "f"):
        raise Unknown(f"pg_is_in_recovery() is {text.strip()[:80]!r}")
    return text.strip() == "f"


def judge_rest(codes: Mapping[str, Mapping[str, int]], writable: Mapping[str, bool]) -> CheckOutcome:
    """Whether each node's REST answers (node → path → status) fit what its PostgreSQL is (node → takes writes)."""
    faults = []
    for node, answers in codes.items():
        if not any(answers.values()):
            faults.append(f"{node}: no REST API answers")
            continue
        if node not in writable:
            continue
        leads = writable[node]
        wanted = {"primary": 200 if leads else 503, "replica": 503 if leads else 200, "health": 200}
        what = "leader" if leads else "replica"
        faults += [
            f"{node}: /{path} gives {answers.get(path, 0) or 'no answer'} on a {what}, expected {code}"
            for path, code in wanted.items()
            if answers.get(path) != code
        ]
    leaders = [node for node, leads in writable.items() if leads]
    if len(leaders) != 1:
        faults.append(f"{len(leaders)} nodes take writes: {listed(leaders)}" if leaders else "no node takes writes")
        return CheckOutcome.of("", faults=faults)
    replicas = count(len(writable) - 1, "replica")
    fine = f"/primary 200 on {leaders[0]} alone, /replica 200 on {replicas}, /health 200 on all"
    return CheckOutcome.of(fine, faults=faults)


def rest_cluster(context: Context) -> PatroniCluster:
    """The cluster as the first Patroni that answers sees it."""
    return parse_cluster(context.any(context.lab.nodes_with("patroni"), _cluster_command)[1])


def leader_node(context: Context, cluster: PatroniCluster | None = None) -> Node:
    """The node that Patroni (in CLUSTER, or asked now) calls the leader; raises Unknown if there is not exactly one."""
    hosts = {node.address: node for node in context.lab.nodes_with("patroni")}
    leaders = [hosts[leader.host] for leader in (cluster or rest_cluster(context)).leaders if leader.host in hosts]
    if len(leaders) != 1:
        raise Unknown("Patroni names no leader" if not leaders else "Patroni names several leaders")
    return leaders[0]


def _cluster_command(node: Node) -> str:
    return f"curl -sS --max-time 5 http://{node.address}:{PORT}/cluster"


def _codes_command(node: Node) -> str:
    return (
        f"for path in {' '.join(PATHS)}; do printf '%s ' $path; "
        f"curl -s -o /dev/null -w '%{{http_code}}\\n' --max-time 5 http://{node.address}:{PORT}/$path || true; done"
    )


def _ask_cluster(context: Context) -> CheckOutcome:
    nodes = context.lab.nodes_with("patroni")
    _, text = context.any(nodes, LIST_COMMAND)
    table, rest = parse_list(text), rest_cluster(context)
    streaming = None
    leaders = [node for node in nodes for leader in rest.leaders if node.address == leader.host]
    if len(leaders) == 1:
        query = "select application_name from pg_stat_replication where state = 'streaming' order by 1"
        streaming = context.output(leaders[0].name, local_sql(query)).split()
    verdict = judge_cluster(table, {context.lab.member(node): node.address for node in nodes}, streaming)
    told = differences(table, rest)
    return CheckOutcome.failed("; ".join([verdict.detail, *told])) if told else verdict


def _ask_rest(context: Context) -> CheckOutcome:
    nodes = context.lab.nodes_with("patroni")
    rest = context.each(nodes, _codes_command)
    sql = context.each(nodes, local_sql("select pg_is_in_recovery()"))
    verdict = judge_rest(rest.read(parse_codes), sql.read(parse_recovery))
    return sql.add(rest.add(verdict))


CLUSTER = Check("patroni-cluster", "One leader, and every replica streams on its timeline", _ask_cluster)
REST = Check("patroni-rest", "REST answers and PostgreSQL's own state agree, and one node takes writes", _ask_rest)
