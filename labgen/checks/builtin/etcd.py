"""etcd: is every member there and started, and do all follow the same leader in the same term?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count, listed
from labgen.reading import parse_json

# The present API is called 3; etcdctl before 3.4 speaks the old one unless told so.
# It dies of an option whose variable somebody exports on the node, too.
ENVIRONMENT = "env -u ETCDCTL_ENDPOINTS -u ETCDCTL_COMMAND_TIMEOUT -u ETCDCTL_WRITE_OUT ETCDCTL_API=3"
ETCDCTL = f"{ENVIRONMENT} etcdctl --endpoints=http://127.0.0.1:2379 --command-timeout=5s"
MEMBERS_COMMAND = f"{ETCDCTL} member list --write-out=json"
STATUS_COMMAND = f"{ETCDCTL} endpoint status --write-out=json"
CLIENT_PORT = 2379


@dataclass(frozen=True)
class EtcdMember:
    """One member in `etcdctl member list`; one that was added and never started has no name."""

    id: int
    name: str
    clients: tuple[str, ...]


@dataclass(frozen=True)
class EtcdStatus:
    """What one member says of itself in `etcdctl endpoint status`; LEADER 0 means that it knows none."""

    member: int
    leader: int
    term: int
    version: str
    errors: tuple[str, ...] = ()


def parse_members(text: str) -> tuple[EtcdMember, ...]:
    """The members in the JSON of `etcdctl member list`."""
    document = _document(text, "member list")
    try:
        return tuple(
            EtcdMember(int(entry["ID"]), str(entry.get("name", "")), tuple(map(str, entry.get("clientURLs", ()))))
            for entry in document["members"]
        )
    except (LookupError, TypeError, ValueError, AttributeError) as why:
        raise Unknown(f"etcdctl member list prints {text.strip()[:80]!r}") from why


def parse_status(text: str) -> EtcdStatus:
    """The one status in the JSON of `etcdctl endpoint status`. Zeros are left out of it."""
    document = _document(text, "endpoint status")
    try:
        status = document[0]["Status"]
        header = status["header"]
        return EtcdStatus(
            int(header["member_id"]),
            int(status.get("leader", 0)),
            int(header.get("raft_term", 0)),
            str(status["version"]),
            tuple(map(str, status.get("errors", ()))),
        )
    except (LookupError, TypeError, ValueError, AttributeError) as why:
        raise Unknown(f"etcdctl endpoint status prints {text.strip()[:80]!r}") from why


def _document(text: str, command: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as why:
        raise Unknown(f"etcdctl {command} prints no JSON: {text.strip()[:80]!r}") from why


def judge_members(members: Sequence[EtcdMember], expected: Mapping[str, str]) -> CheckOutcome:
    """Whether MEMBERS are exactly the EXPECTED ones (name → address), all started."""
    seen = {member.name: member for member in members if member.name}
    faults = [f"{name} is missing" for name in expected if name not in seen]
    faults += [f"{name} is not of this lab" for name in seen if name not in expected]
    faults += [f"member {member.id:x} has never started" for member in members if not member.name]
    for name, address in expected.items():
        url = f"http://{address}:{CLIENT_PORT}"
        if name in seen and url not in seen[name].clients:
            faults.append(f"{name} is at {listed(seen[name].clients) or 'no address'}, not at {url}")
    return CheckOutcome.of(f"{count(len(members), 'member')}, all started", faults=faults)


def judge_leader(statuses: Mapping[str, EtcdStatus]) -> CheckOutcome:
    """Whether all members (name → what it says) follow the same leader in the same term."""
    names = {status.member: name for name, status in statuses.items()}
    faults = [f"{name} reports {listed(status.errors)}" for name, status in statuses.items() if status.errors]
    faults += [f"{name} knows no leader" for name, status in statuses.items() if not status.leader]
    leaders = {status.leader for status in statuses.values() if status.leader}
    terms = {status.term for status in statuses.values()}
    if len(leaders) > 1:
        told = (f"{name} follows {names.get(s.leader, f'{s.leader:x}')}" for name, s in statuses.items() if s.leader)
        faults.append(f"{len(leaders)} leaders: {listed(told)}")
    if len(terms) > 1:
        faults.append(f"terms differ: {listed(f'{name} {status.term}' for name, status in statuses.items())}")
    if faults or not leaders:
        return CheckOutcome.of("", faults=faults or ["no leader"])
    leader = names.get(leaders.pop(), "a member that does not answer")
    versions = listed(sorted({status.version for status in statuses.values()}))
    return CheckOutcome.of(
        f"leader {leader} in term {terms.pop()}, {count(len(statuses), 'member')} of version {versions}"
    )


def _ask_members(context: Context) -> CheckOutcome:
    nodes = context.lab.nodes_with("etcd")
    _, text = context.any(nodes, MEMBERS_COMMAND)
    return judge_members(parse_members(text), {node.name: node.address for node in nodes})


def _ask_leader(context: Context) -> CheckOutcome:
    answers = context.each(context.lab.nodes_with("etcd"), STATUS_COMMAND)
    statuses = answers.read(parse_status)
    return answers.add(judge_leader(statuses) if statuses else CheckOutcome.unknown("no member answers"))


MEMBERS = Check("etcd-members", "Every etcd member is there and started", _ask_members)
LEADER = Check("etcd-leader", "All etcd members follow the same leader", _ask_leader)
