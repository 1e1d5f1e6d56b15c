"""The way from a lab's name to its Patroni, for the actions that change a cluster which runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import existing_lab
from labgen.operations import Patroni
from labgen.provision import Connections

ANSWER_WITHIN = 10.0  # seconds a node has to let us in, and its Patroni to answer


@contextmanager
def patroni_of(name: str, *, alone: bool = True, answer_within: float = ANSWER_WITHIN) -> Iterator[Patroni]:
    """Patroni of the lab NAME; raises UnknownNameError.

    alone: no other labgen may change the lab meanwhile. answer_within: seconds for each question.
    """
    opened = existing_lab(name)
    connections = Connections(endpoints(opened), opened.folder.known_hosts, timeout=answer_within)
    with opened.folder.locked() if alone else nullcontext(), connections:
        yield Patroni(opened.lab, connections, answer_within)
