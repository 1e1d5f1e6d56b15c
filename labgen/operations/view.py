"""A cluster as Patroni's REST `GET /cluster` shows it, with what an operation has to know besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from labgen.checks.builtin.patroni import PatroniCluster, PatroniMember, parse_cluster
from labgen.reading import parse_json

FOLLOWS = ("running", "streaming")
"""A replica's state while it follows its leader: Patroni 3.0.4 brought the finer word."""
SYNCHRONOUS = ("sync_standby", "quorum_standby")


@dataclass(frozen=True)
class View:
    """Members go by the names of their nodes, whatever Patroni calls them.

    lags: member → bytes that it is behind, None where Patroni does not know. barred: members tagged nofailover.
    unsynced: those tagged nosync."""

    cluster: PatroniCluster
    lags: Mapping[str, int | None]
    barred: frozenset[str] = frozenset()
    unsynced: frozenset[str] = frozenset()

    @property
    def members(self) -> dict[str, PatroniMember]:
        return {member.name: member for member in self.cluster.members}

    @property
    def leader(self) -> PatroniMember | None:
        """The leader, if there is exactly one."""
        return self.cluster.leaders[0] if len(self.cluster.leaders) == 1 else None

    def by_node(self, nodes: Mapping[str, str]) -> View:
        """The same with NODES (member → node) for the names that the members go by."""
        members = tuple(replace(it, name=nodes.get(it.name, it.name)) for it in self.cluster.members)
        lags = {nodes.get(name, name): lag for name, lag in self.lags.items()}
        barred, unsynced = (
            frozenset(nodes.get(name, name) for name in tagged) for tagged in (self.barred, self.unsynced)
        )
        return View(replace(self.cluster, members=members), lags, barred, unsynced)

    def follows(self, name: str) -> bool:
        """Whether the member NAME is a replica on its leader's timeline."""
        leader, member = self.leader, self.members.get(name)
        if leader is None or member is None or member.leads:
            return False
        return member.state in FOLLOWS and member.timeline == leader.timeline


def parse_view(text: str) -> View:
    """The answer of `GET /cluster`; raises Unknown if it is none."""
    cluster = parse_cluster(text)
    entries = {str(entry["name"]): entry for entry in parse_json(text)["members"]}
    lags = {name: entry["lag"] if isinstance(entry.get("lag"), int) else None for name, entry in entries.items()}
    barred, unsynced = (
        frozenset(name for name, entry in entries.items() if (entry.get("tags") or {}).get(tag))
        for tag in ("nofailover", "nosync")
    )
    return View(cluster, lags, barred, unsynced)
