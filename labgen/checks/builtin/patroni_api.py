"""Patroni's REST API: is everybody told the same, and the truth, by the calls that monitoring and proxies make?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from labgen.checks.builtin.patroni import PORT, PatroniCluster, differences, parse_cluster
from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count, listed
from labgen.lab.model import Node
from labgen.reading import parse_json

PATHS = ("config", "cluster", "health", "master", "primary", "replica")
TIMERS = ("ttl", "loop_wait", "retry_timeout")
LEADS = ("primary", "master")
"""The role of a leader in /health; Patroni 4 no longer says master, though it answers /master as before."""

Answer = tuple[int, Any]
"""The status, and the body read as JSON; None if it is none."""


def parse_answers(text: str) -> dict[str, Answer]:
    """Path → answer from texts like `{"state": "running"} 200 /health`, with tabs between; 0: nothing answered."""
    answers: dict[str, Answer] = {}
    for body, code, path in re.findall(r"(.*?)\t(\d{3})\t/(\w+)\n", text, re.DOTALL):
        try:
            answers[path] = (int(code), parse_json(body))
        except ValueError:  # an error is told in HTML
            answers[path] = (int(code), None)
    if answers.keys() != set(PATHS):
        raise Unknown(f"curl printed {text.strip()[:80]!r}")
    return answers


def judge_api(
    answers: Mapping[str, Mapping[str, Answer]], expected: Mapping[str, str], nodes: Mapping[str, str]
) -> CheckOutcome:
    """Whether ANSWERS (node → path → answer) go together and show the EXPECTED members (name → address).

    nodes: the members' names → their nodes.
    """
    faults: list[str] = []
    clusters: dict[str, PatroniCluster] = {}
    for node, told in answers.items():
        if not any(code for code, _ in told.values()):
            faults.append(f"{node}: no REST API answers")
            continue
        faults += _config_faults(node, told["config"])
        try:
            clusters[node] = parse_cluster(json.dumps(told["cluster"][1]))
        except Unknown:
            faults.append(f"{node}: /cluster is answered with {told['cluster'][0]} and no cluster")
    if not clusters:
        return CheckOutcome.of("", faults=faults)
    first, cluster = next(iter(clusters.items()))
    faults += _cluster_faults(cluster, expected)
    for node, other in clusters.items():
        if differences(cluster, other):
            faults.append(f"{first} and {node} answer /cluster with two stories")
    configs = {json.dumps(answers[node]["config"][1], sort_keys=True) for node in clusters}
    if len(configs) > 1:
        faults.append("/config is not the same on all nodes")
    if len(cluster.leaders) != 1:
        return CheckOutcome.of("", faults=faults)
    leader, replicas = nodes.get(cluster.leaders[0].name, ""), count(len(clusters) - 1, "replica")
    for node in clusters:
        faults += _role_faults(node, answers[node], leads=node == leader)
    word = _role(answers[leader]["health"]) if leader in answers else ""
    fine = (
        f"the same /config and /cluster on {count(len(clusters), 'node')}; "
        f"role {word} and /master 200 on {leader} alone, role replica and /replica 200 on {replicas}"
    )
    return CheckOutcome.of(fine, faults=faults)


def _config_faults(node: str, answer: Answer) -> list[str]:
    code, config = answer
    if code != 200 or not isinstance(config, dict):
        return [f"{node}: /config is answered with {code}"]
    missing = [name for name in TIMERS if name not in config]
    return [f"{node}: /config lacks {listed(missing)}"] if missing else []


def _cluster_faults(cluster: PatroniCluster, expected: Mapping[str, str]) -> list[str]:
    seen = {member.name: member.host for member in cluster.members}
    faults = [f"/cluster lacks {name}" for name in expected if name not in seen]
    faults += [f"/cluster has {name}, which is not of this lab" for name in seen if name not in expected]
    faults += [
        f"/cluster has {name} at {host or 'no address'}, not at {expected[name]}"
        for name, host in seen.items()
        if host != expected.get(name, host)
    ]
    if len(cluster.leaders) != 1:
        faults.append(f"/cluster has {count(len(cluster.leaders), 'leader')}")
    return faults


def _role_faults(node: str, answers: Mapping[str, Answer], *, leads: bool) -> list[str]:
    code, role = answers["health"][0], _role(answers["health"])
    what = "the leader" if leads else "a replica"
    faults = []
    if code != 200:
        faults.append(f"{node}: /health is answered with {code or 'nothing'}")
    elif role not in (LEADS if leads else ("replica",)):
        faults.append(f"{node}: /health says {role or 'no role'} on {what}")
    wanted = {"master": 200 if leads else 503, "primary": 200 if leads else 503, "replica": 503 if leads else 200}
    return faults + [
        f"{node}: /{path} gives {answers[path][0] or 'no answer'} on {what}, expected {status}"
        for path, status in wanted.items()
        if answers[path][0] != status
    ]


def _role(answer: Answer) -> str:
    document = answer[1]
    return str(document.get("role", "")) if isinstance(document, dict) else ""


def _command(node: Node) -> str:
    return (
        f"for path in {' '.join(PATHS)}; do "
        f"curl -s -w '\\t%{{http_code}}\\t/'$path'\\n' --max-time 5 http://{node.address}:{PORT}/$path || true; done"
    )


def _ask(context: Context) -> CheckOutcome:
    nodes = context.lab.nodes_with("patroni")
    answers = context.each(nodes, _command)
    expected = {context.lab.member(node): node.address for node in nodes}
    return answers.add(judge_api(answers.read(parse_answers), expected, context.lab.members))


CHECK = Check(
    "patroni-rest-api", "The REST API tells monitoring and proxies the same on every node, and the truth", _ask
)
