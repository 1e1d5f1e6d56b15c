"""Faults of whole machines, done from outside."""

from __future__ import annotations

from collections.abc import Mapping

from labgen.cluster.state import ClusterState
from labgen.errors import OperationError
from labgen.faults import netcut
from labgen.faults.model import Effect, Fault, Injection
from labgen.lab.model import Lab, Node
from labgen.providers import Capability, MachineAction, get_provider


def from_outside(lab: Lab, node: Node, action: MachineAction, undo: MachineAction) -> Injection:
    """ACTION on the machine of NODE; raises OperationError if the provider says nothing of how that is done."""
    control = get_provider(lab.provider).control
    if control is None:
        raise OperationError(
            f"the provider {lab.provider} does not say how a machine's power is cut, or how it is paused",
            where=lab.name,
        )
    done, undone = (control.command(lab, node.name, what) for what in (action, undo))
    return Injection(None, done, undone, provider=lab.provider)


def _power(cluster: ClusterState, node: Node, _: Mapping[str, float]) -> tuple[Injection, ...]:
    # A container that is killed closes its sockets, which a machine without power does not: nobody may hear of it.
    silence = netcut.cut(node.address, netcut.everything())
    return (
        Injection(node.name, silence, netcut.restore(node.address), dead_man=True),
        from_outside(cluster.lab, node, MachineAction.OFF, MachineAction.ON),
    )


def _freeze(cluster: ClusterState, node: Node, _: Mapping[str, float]) -> tuple[Injection, ...]:
    return (from_outside(cluster.lab, node, MachineAction.PAUSE, MachineAction.UNPAUSE),)


POWER_LOSS = Fault(
    "power-loss",
    "loses power",
    "leader",
    Effect.LEASE_EXPIRES,
    _power,
    needs=frozenset({Capability.POWER}),
    takes_down=True,
)
FREEZE = Fault(
    "freeze",
    "is frozen as a whole",
    "leader",
    Effect.LEASE_EXPIRES,
    _freeze,
    needs=frozenset({Capability.PAUSE}),
    takes_down=True,
)
