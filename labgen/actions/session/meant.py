"""Which node a word means: its own name, or who it is at this moment, as in a drill: `leader`, `vip-holder`."""

from __future__ import annotations

from labgen.actions.session.cluster import ANSWER_WITHIN
from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import OpenLab
from labgen.cluster.probes import cluster_state_of
from labgen.errors import UnknownNameError
from labgen.faults.targets import TARGETS, find_targets
from labgen.operations import Patroni
from labgen.provision import Connections


def node_meant(opened: OpenLab, word: str) -> str:
    """The name of the node; of several, the first one's.

    Raises UnknownNameError, or OperationError where nobody is what WORD says, or nobody can tell.
    """
    lab = opened.lab
    names = [node.name for node in lab.nodes]
    if word in names:
        return word
    if word not in TARGETS:
        raise UnknownNameError("node", word, [*names, *TARGETS], where=f"lab {lab.name}")
    with Connections(endpoints(opened), opened.folder.known_hosts, timeout=ANSWER_WITHIN) as connections:
        return find_targets(word, cluster_state_of(lab, connections, Patroni(lab, connections, ANSWER_WITHIN)))[0]
