"""Consul: is every agent an alive member, do all servers vote, and do all agents follow the same leader?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count, listed
from labgen.lab.model import Lab
from labgen.reading import parse_json

MEMBERS_COMMAND = "consul members"
PEERS_COMMAND = "consul operator raft list-peers"
LEADER_COMMAND = "curl -sS --max-time 5 http://127.0.0.1:8500/v1/status/leader"


@dataclass(frozen=True)
class ConsulMember:
    """One line of `consul members`."""

    name: str
    address: str
    status: str
    type: str


@dataclass(frozen=True)
class Peer:
    """One line of `consul operator raft list-peers`; ADDRESS has the port."""

    name: str
    address: str
    state: str
    voter: bool


def parse_members(text: str) -> tuple[ConsulMember, ...]:
    """The members in TEXT. Later columns differ between versions, the first four do not."""
    rows = _rows(text, ("Node", "Address", "Status", "Type"))
    return tuple(ConsulMember(row[0], row[1].rpartition(":")[0], row[2], row[3]) for row in rows)


def parse_peers(text: str) -> tuple[Peer, ...]:
    """The Raft peers in TEXT."""
    rows = _rows(text, ("Node", "ID", "Address", "State", "Voter"))
    return tuple(Peer(row[0], row[2], row[3], row[4] == "true") for row in rows)


def parse_leader(text: str) -> str:
    """The leader's `address:port` in the answer of /v1/status/leader; empty if there is none."""
    try:
        leader = parse_json(text)
    except ValueError:
        leader = None
    if not isinstance(leader, str):
        raise Unknown(f"/v1/status/leader answers {text.strip()[:80]!r}")
    return leader


def judge_members(members: Sequence[ConsulMember], expected: Sequence[ConsulMember]) -> CheckOutcome:
    """Whether MEMBERS are exactly the EXPECTED ones, all alive; those that took their leave are listed for days."""
    known = {wanted.name for wanted in expected}
    seen = {member.name: member for member in members if member.name in known or member.status != "left"}
    faults = []
    for wanted in expected:
        member = seen.get(wanted.name)
        if member is None:
            faults.append(f"{wanted.name} is missing")
        elif member.status != "alive":
            faults.append(f"{wanted.name} is {member.status}")
        elif member.type != wanted.type:
            faults.append(f"{wanted.name} is a {member.type}, not a {wanted.type}")
        elif member.address != wanted.address:
            faults.append(f"{wanted.name} is at {member.address}, not at {wanted.address}")
    faults += [f"{name} is not of this lab" for name in seen if name not in known]
    kinds = [count(sum(m.type == kind for m in seen.values()), kind) for kind in ("server", "client")]
    return CheckOutcome.of(f"{', '.join(kinds)} alive", faults=faults)


def judge_raft(peers: Sequence[Peer], servers: Sequence[ConsulMember], leaders: Mapping[str, str]) -> CheckOutcome:
    """Whether all SERVERS vote, one leads, and every agent (name → leader's address) follows that one."""
    seen = {peer.name: peer for peer in peers}
    faults = [f"{server.name} is no Raft peer" for server in servers if server.name not in seen]
    faults += [f"{peer.name} has no vote" for peer in peers if not peer.voter]
    known = {server.name for server in servers}
    faults += [f"{name} votes, but is no server of this lab" for name in seen if name not in known]
    leading = [peer for peer in peers if peer.state == "leader"]
    if len(leading) != 1:
        faults.append(f"{len(leading)} leaders: {listed(p.name for p in leading)}" if leading else "no leader")
        return CheckOutcome.of("", faults=faults)
    leader = leading[0]
    names = {peer.address: peer.name for peer in peers}
    faults += [
        f"{agent} follows {names.get(address, address) or 'nobody'}, not {leader.name}"
        for agent, address in leaders.items()
        if address != leader.address
    ]
    return CheckOutcome.of(f"leader {leader.name}, {count(len(peers), 'voter')}, {_agree(len(leaders))}", faults=faults)


def _agree(agents: int) -> str:
    return "1 agent follows it" if agents == 1 else f"all {agents} agents follow it"


def _rows(text: str, header: tuple[str, ...]) -> list[list[str]]:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    start = next((i for i, words in enumerate(lines) if tuple(words[: len(header)]) == header), None)
    if start is None:
        raise Unknown(f"no table headed {' '.join(header)} in the answer: {text.strip()[:80]!r}")
    return [words for words in lines[start + 1 :] if len(words) >= len(header)]


def expected_members(lab: Lab) -> tuple[ConsulMember, ...]:
    """What `consul members` should show in LAB."""
    return tuple(
        ConsulMember(
            node.settings["consul"].get("node_name") or node.name,
            node.address,
            "alive",
            str(node.settings["consul"]["role"]),
        )
        for node in lab.nodes_with("consul")
    )


def _ask_members(context: Context) -> CheckOutcome:
    _, text = context.any(context.lab.nodes_with("consul"), MEMBERS_COMMAND)
    return judge_members(parse_members(text), expected_members(context.lab))


def _ask_raft(context: Context) -> CheckOutcome:
    lab = context.lab
    _, text = context.any(lab.nodes_with("consul", role="server"), PEERS_COMMAND)
    answers = context.each(lab.nodes_with("consul"), LEADER_COMMAND)
    servers = [member for member in expected_members(lab) if member.type == "server"]
    return answers.add(judge_raft(parse_peers(text), servers, answers.read(parse_leader)))


MEMBERS = Check("consul-members", "Every Consul agent is an alive member", _ask_members)
RAFT = Check("consul-raft", "All Consul servers vote, and every agent follows the same leader", _ask_raft)
