"""What roles say in Jinja, worked out in a lab; each raises UsageError naming the manifest where that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jinja2 import TemplateError

from labgen.components.manifest import DcsRole, Delay, FailoverManagerRole, ProxyRole, VipRole
from labgen.components.registry import MANIFEST
from labgen.documents import shown
from labgen.errors import UsageError
from labgen.lab.expressions import Expressions, reason
from labgen.lab.model import Lab, Node, Provided

T = TypeVar("T")


def port(lab: Lab, text: int | str, node: Node, component: str) -> int:
    """The port that TEXT means on NODE; 0: none."""
    if isinstance(text, int):
        return text
    return _worked_out(
        lab, f"the port '{text}'", node, component, lambda: int(Expressions(lab).text(text, node, component))
    )


def ports(lab: Lab, provided: Provided[DcsRole] | Provided[ProxyRole], node: Node) -> tuple[int, ...]:
    """The ports of a role on NODE."""
    found = (port(lab, text, node, provided.component) for text in provided.role.ports)
    return tuple(number for number in found if number)


def address(lab: Lab, vip: Provided[VipRole]) -> str:
    """The address that moves between the nodes of VIP."""
    node, text = vip.nodes[0], vip.role.address
    return _worked_out(
        lab, f"the address '{text}'", node, vip.component, lambda: Expressions(lab).text(text, node, vip.component)
    )


def dcs_component(lab: Lab, manager: Provided[FailoverManagerRole]) -> str | None:
    """The component that MANAGER keeps its state in; None if its manifest names none."""
    node, text = manager.nodes[0], manager.role.dcs
    if text is None:
        return None
    return _worked_out(
        lab, f"the DCS '{text}'", node, manager.component, lambda: Expressions(lab).text(text, node, manager.component)
    )


def seconds_of(lab: Lab, delay: Delay, provided: Provided[ProxyRole] | Provided[VipRole]) -> float:
    """What DELAY adds at most, on whichever node that is longest."""
    given, component = delay.seconds, provided.component
    if not isinstance(given, str):
        return float(given)

    def on(node: Node) -> float:
        return _worked_out(
            lab, f"the delay '{given}'", node, component, lambda: Expressions(lab).value(given, node, component, float)
        )

    return max(on(node) for node in provided.nodes)


def _worked_out(lab: Lab, what: str, node: Node, component: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except (TemplateError, ValueError) as error:
        said = reason(error) if isinstance(error, TemplateError) else "it is no number"
        raise UsageError(
            f"{what} of {component} cannot be worked out on {node.name}: {said}",
            where=shown(lab.components[component].folder / MANIFEST),
        ) from None
