"""What a component is to the others: its roles, by which drills, predictions, targets and bundles know it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from labgen.components.manifest.base import Identifier, Name, Strict

Unit = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:_.@-]*$", description="the systemd unit, without .service")
]
Port = Annotated[int | str, Field(description="a number, or Jinja text over the component's values; 0: none")]
Where = Annotated[dict[Identifier, Any], Field(description="parameter values of the nodes that have the role")]


class Delay(Strict):
    """What a path through the component adds to an outage after a failover, at most."""

    seconds: float | str = Field(description="a number, or a Jinja expression over the component's values")
    why: str = Field(min_length=1, description="what takes so long, in the words of a prediction")


class DcsRole(Strict):
    """The component keeps the cluster's state; each node that has the role has a vote."""

    role: Literal["dcs"]
    unit: Unit
    ports: tuple[Port, ...] = Field(
        min_length=1, description="on which the members, and those who ask them, talk over the lab's network"
    )
    where: Where = {}
    asked: Literal["lab", "node"] = Field(
        default="lab", description="lab: any member is asked; node: the agent on one's own node"
    )


class ProxyRole(Strict):
    """The component passes clients' connections on to PostgreSQL; a pooler keeps its own to the server."""

    role: Literal["proxy", "pooler"]
    unit: Unit
    ports: tuple[Port, ...] = Field(min_length=1, description="those that lead to PostgreSQL")
    leads_to: Port | None = Field(
        default=None, description="a port on the same node that it passes them on to; none or 0: to PostgreSQL itself"
    )
    delays: tuple[Delay, ...] = ()


class VipRole(Strict):
    """The component keeps an address on one of its nodes at a time."""

    role: Literal["vip"]
    address: str = Field(min_length=1, description="as Jinja text over the component's values")
    unit: Unit | None = Field(
        default=None, description="the node gives the address up when this stops; none: there is no such"
    )
    leads_to: Name | None = Field(
        default=None, description="the component on the same node that answers at the address; none: PostgreSQL"
    )
    delays: tuple[Delay, ...] = ()


class FailoverManagerRole(Strict):
    """The component runs PostgreSQL on its nodes, and decides which of them leads."""

    role: Literal["failover-manager"]
    unit: Unit
    member: Identifier | None = Field(
        default=None, description="the parameter with the name that a member goes by; none or empty: the node's name"
    )
    dcs: str | None = Field(
        default=None, description="the component that it keeps its state in, as Jinja text over its values; none: any"
    )


class SqlClientRole(Strict):
    """The component brings psql to its nodes."""

    role: Literal["sql-client"]


Role = DcsRole | ProxyRole | VipRole | FailoverManagerRole | SqlClientRole
ProvidedRole = Annotated[Role, Field(discriminator="role")]
