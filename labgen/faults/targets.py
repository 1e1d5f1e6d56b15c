"""Which nodes a description such as `leader` means in a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labgen.cluster.state import ClusterState
from labgen.errors import OperationError, UnknownNameError


@dataclass(frozen=True)
class Target:
    """A description of nodes. `find` gives them; none means that the lab has nothing like it, which `lacks` says."""

    name: str
    about: str
    find: Callable[[ClusterState], tuple[str, ...]]
    lacks: str


def _quorum_loss(cluster: ClusterState) -> tuple[str, ...]:
    """As few as it takes, and the leader's own node last, so that it is the DCS that fails and not the leader."""
    members = _leader_last(cluster)
    return members[: len(members) - len(members) // 2]


def _minority(cluster: ClusterState) -> tuple[str, ...]:
    return _leader_last(cluster)[: (len(cluster.dcs) - 1) // 2]


def _leader_last(cluster: ClusterState) -> tuple[str, ...]:
    return tuple(sorted(cluster.dcs, key=lambda name: (name == cluster.leader, name == cluster.vip_holder)))


def _proxy(cluster: ClusterState) -> tuple[str, ...]:
    """The one that clients are led through: where the VIP is, else the first."""
    if cluster.vip_holder in cluster.proxies:
        return (str(cluster.vip_holder),)
    return cluster.proxies[:1]


def _one_replica(cluster: ClusterState) -> tuple[str, ...]:
    """One that is not synchronous, if there is one."""
    return tuple(sorted(cluster.replicas, key=lambda name: name in cluster.synchronous))[:1]


TARGETS = {
    target.name: target
    for target in (
        Target("leader", "the node that leads", lambda cluster: (cluster.leader,), "it has no leader"),
        Target("replica", "one replica, rather not a synchronous one", _one_replica, "it has no replica"),
        Target("replicas", "all replicas", lambda cluster: cluster.replicas, "it has no replica"),
        Target(
            "sync-standby",
            "the synchronous replica",
            lambda cluster: cluster.synchronous[:1],
            "no replica is synchronous (synchronous_mode is off, or none is ready)",
        ),
        Target(
            "vip-holder",
            "the node that has the VIP or the floating IP",
            lambda cluster: (cluster.vip_holder,) if cluster.vip_holder else (),
            "it has no VIP and no floating IP",
        ),
        Target(
            "dcs-member",
            "one member of the DCS, rather not on the leader's node",
            lambda cluster: _leader_last(cluster)[:1],
            "it has no DCS",
        ),
        Target(
            "dcs-minority",
            "as many members of the DCS as it can spare",
            _minority,
            "its DCS cannot spare a member",
        ),
        Target("dcs-quorum", "as few members of the DCS as cost it its majority", _quorum_loss, "it has no DCS"),
        Target("proxy", "the proxy or pooler that clients are led through", _proxy, "it has no proxy"),
    )
}


def find_targets(description: str, cluster: ClusterState) -> tuple[str, ...]:
    """The nodes that DESCRIPTION, a target's name or a node's, means now.

    Raises UnknownNameError for a word that means nothing, OperationError if the lab has nothing like it.
    """
    names = [node.name for node in cluster.lab.nodes]
    if description in names:
        return (description,)
    if description not in TARGETS:
        raise UnknownNameError("target or node", description, [*TARGETS, *names], where=f"lab {cluster.lab.name}")
    target = TARGETS[description]
    found = target.find(cluster)
    if not found:
        raise OperationError(
            f"the target {description} ({target.about}) is nobody in the lab {cluster.lab.name}: {target.lacks}",
            cure=f"labgen drill list {cluster.lab.name} shows the drills made for this lab",
        )
    return found
