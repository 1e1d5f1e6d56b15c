"""What is known of a lab before it is broken: who leads, who votes, where clients come in."""

from __future__ import annotations

from dataclasses import dataclass

from labgen.cluster.dcs import dcs_members
from labgen.components.manifest import ProxyRole, VipRole
from labgen.lab.model import Lab
from labgen.lab.roles import address


@dataclass(frozen=True)
class ClusterState:
    """A healthy lab: who leads on which timeline, who follows, who has the VIP (None: nobody, or there is none)."""

    lab: Lab
    leader: str
    timeline: int
    replicas: tuple[str, ...]
    synchronous: tuple[str, ...] = ()
    vip_holder: str | None = None

    @property
    def dcs(self) -> tuple[str, ...]:
        """The nodes whose votes make the DCS."""
        return dcs_members(self.lab)

    @property
    def proxies(self) -> tuple[str, ...]:
        """The nodes with a proxy or a pooler, those of one component after those of another."""
        nodes = (node.name for proxy in self.lab.providing(ProxyRole) for node in proxy.nodes)
        return tuple(dict.fromkeys(nodes))


def vip_of(lab: Lab) -> str | None:
    """The address that moves between LAB's nodes, if there is one."""
    vips = lab.providing(VipRole)
    return address(lab, vips[0]) if vips else None
