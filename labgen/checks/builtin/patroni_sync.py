"""Synchronous replication: Patroni names a standby that has each commit, and PostgreSQL waits for that one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from labgen.checks.builtin.patroni import PORT, PatroniCluster, leader_node, rest_cluster
from labgen.checks.builtin.postgresql import local_sql
from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import listed
from labgen.lab.model import Node

ROLES = ("sync_standby", "quorum_standby")
SYNCHRONOUS = ("sync", "quorum")
QUERY = "select application_name, sync_state from pg_stat_replication order by 1"


def parse_states(text: str) -> dict[str, str]:
    """Standby → how the leader waits for it (`sync`, `quorum`, `potential`, `async`), from QUERY's rows."""
    rows = [line.partition("|") for line in text.split()]
    if any(state not in (*SYNCHRONOUS, "potential", "async") for _, _, state in rows):
        raise Unknown(f"pg_stat_replication shows {text.strip()[:80]!r}")
    return {name: state for name, _, state in rows}


def judge_sync(
    cluster: PatroniCluster, codes: Mapping[str, str], states: Mapping[str, str], barred: Collection[str] = ()
) -> CheckOutcome:
    """Whether Patroni, REST /sync (node → status) and the leader (standby → sync_state) name the same standbys.

    BARRED: members that must not be synchronous.
    """
    named = [member.name for member in cluster.members if member.role in ROLES]
    able = [member.name for member in cluster.members if not member.leads and member.name not in barred]
    faults = [] if named or not able else ["Patroni names no synchronous standby"]
    for name in named:
        if codes.get(name, "200") != "200":
            faults.append(f"{name}: /sync gives {codes[name]}, expected 200")
        if states.get(name) not in SYNCHRONOUS:
            faults.append(f"the leader does not wait for {name} ({states.get(name, 'it does not stream')})")
    faults += [
        f"{name}: /sync gives 200, but Patroni does not name it"
        for name, code in codes.items()
        if code == "200" and name not in named
    ]
    fine = f"each commit is on {listed(named)} as well, and its /sync gives 200"
    none = "as the tags have it no standby may be synchronous, so nobody may take over"
    return CheckOutcome.of(fine if named else none, faults=faults)


def _code_command(node: Node) -> str:
    return f"curl -s -o /dev/null -w '%{{http_code}}' --max-time 5 http://{node.address}:{PORT}/sync || true"


def _parse_code(text: str) -> str:
    if not re.fullmatch(r"\d{3}", text.strip()):
        raise Unknown(f"curl printed {text.strip()[:80]!r}")
    return text.strip()


def _ask(context: Context) -> CheckOutcome:
    cluster = rest_cluster(context)
    states = parse_states(context.output(leader_node(context, cluster).name, local_sql(QUERY)))
    nodes = context.lab.nodes_with("patroni")
    answers = context.each(nodes, _code_command)
    codes = {context.lab.member(context.lab.node(name)): code for name, code in answers.read(_parse_code).items()}
    barred = {context.lab.member(node) for node in nodes if node.settings["patroni"]["tags"].get("nosync")}
    return answers.add(judge_sync(cluster, codes, states, barred))


CHECK = Check("patroni-sync", "A synchronous standby has each commit, and Patroni knows it", _ask)
