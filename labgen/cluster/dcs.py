"""The DCS of a lab: who votes, on which ports it is spoken to, and which key names the leader."""

from __future__ import annotations

from typing import Any

from labgen.components.manifest import DcsRole, FailoverManagerRole
from labgen.lab.model import Lab, Node, Provided
from labgen.lab.roles import dcs_component, ports

PATRONI = "patroni"


def dcs_of(lab: Lab) -> Provided[DcsRole] | None:
    """What LAB's failover manager keeps its state in; None if the lab has nothing like it."""
    wanted = [dcs_component(lab, manager) for manager in lab.providing(FailoverManagerRole)]
    return next((dcs for dcs in lab.providing(DcsRole) if not any(wanted) or dcs.component in wanted), None)


def dcs_members(lab: Lab) -> tuple[str, ...]:
    """The nodes whose votes make LAB's DCS."""
    dcs = dcs_of(lab)
    return tuple(node.name for node in dcs.nodes) if dcs else ()


def dcs_ports(lab: Lab) -> tuple[int, ...]:
    """The TCP and UDP ports on which the members of LAB's DCS, and those who ask it, talk over the lab's network."""
    dcs = dcs_of(lab)
    return tuple(sorted({number for node in dcs.nodes for number in ports(lab, dcs, node)})) if dcs else ()


def leader_key(lab: Lab, node: Node) -> dict[str, Any]:
    """Which key of which DCS names the leader, and whom to ask from NODE, itself first."""
    settings, dcs = node.settings[PATRONI], dcs_of(lab)
    key = f"/{str(settings['namespace']).strip('/')}/{settings['scope']}/leader"
    if dcs is None or dcs.role.asked == "node":
        hosts = ["127.0.0.1"]
    else:
        hosts = sorted((member.address for member in dcs.nodes), key=lambda address: address != node.address)
    return {"kind": str(settings["dcs"]), "hosts": hosts, "key": key}
