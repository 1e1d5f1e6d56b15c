"""A new lab that finds its range taken goes to another: others may have been started at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from labgen.actions.session.networks import next_range
from labgen.actions.session.open import OpenLab
from labgen.actions.session.reporter import Reporter
from labgen.actions.session.vagrant import vagrant_of
from labgen.errors import LabgenError, RangeLostError, VagrantError
from labgen.providers import get_provider
from labgen.state import labs_locked

T = TypeVar("T")
TRIES = 8
"""One is enough among the labs of one folder, whose choice is made under their lock; others are not asked."""


def in_a_free_range(opened: OpenLab, reporter: Reporter, bring_up: Callable[[OpenLab], T]) -> T:
    """What BRING_UP makes of OPENED, or of the same lab elsewhere where its range was lost meanwhile.

    Only a lab whose range labgen chose, and of which no machine is there yet, goes elsewhere.
    """
    tried: list[str] = []
    while True:
        try:
            return bring_up(opened)
        except (RangeLostError, VagrantError) as error:
            tried.append(opened.lab.network.cidr)
            if len(tried) == TRIES or not _is_lost(opened, error) or (moved := _elsewhere(opened, tried)) is None:
                raise
            opened = moved
            reporter.note(f"{tried[-1]} was taken meanwhile: this lab gets {opened.lab.network.cidr}")


def _is_lost(opened: OpenLab, error: LabgenError) -> bool:
    lab, provider = opened.lab, get_provider(opened.lab.provider)
    if ("network", "cidr") in lab.origins:
        return False
    said = "\n".join(error.detail)
    if not isinstance(error, RangeLostError) and not any(word in said for word in provider.range_taken):
        return False
    return set(provider.states(lab, vagrant_of(opened)).values()) == {"absent"}


def _elsewhere(opened: OpenLab, tried: list[str]) -> OpenLab | None:
    """The lab in a range that is its own from now on; None if there is none."""
    with labs_locked():
        free = next_range(opened.lab, tried)
        if free is None:
            return None
        moved = opened.again(replace(opened.record, network=free))
        moved.write_down()
        return moved
