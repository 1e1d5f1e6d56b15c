"""`switchover`: a planned change of leader."""

from __future__ import annotations

from collections.abc import Callable

from labgen.actions.session.cluster import patroni_of
from labgen.operations import Handover, hand_over


def switchover(name: str, to: str | None = None, progress: Callable[[str], None] = lambda _: None) -> Handover:
    """Hand the lead of the lab NAME over to the node TO, else to the best replica.

    Raises UnknownNameError, or OperationError with the reason why this cannot be.
    """
    with patroni_of(name) as patroni:
        return hand_over(patroni, to, progress)
