"""A cluster with failsafe_mode: without its DCS the leader goes on as long as it reaches every member."""

from __future__ import annotations

from collections.abc import Sequence

from labgen.blueprint.drills import Drill
from labgen.cluster.dcs import PATRONI
from labgen.faults.model import Effect, Fault
from labgen.faults.registry import find_fault
from labgen.lab.expressions import at_key
from labgen.lab.model import Lab

SETTING = "failsafe_mode"
WHY = "with failsafe_mode the leader goes on without its DCS, as long as it reaches every member"


def outlasts(faults: Sequence[Fault]) -> bool:
    """Whether FAULTS are about the DCS alone, so that a leader with failsafe_mode still reaches every member."""
    about_dcs = (Effect.DCS_QUORUM_LOST, Effect.DCS_ISOLATED)
    return all(fault.effect in about_dcs for fault in faults)


def with_failsafe(drill: Drill, lab: Lab, *, on: bool) -> Drill:
    """DRILL as it is meant where failsafe_mode is ON: one of the blueprint's that shows a leader turn read-only."""
    expect = drill.expect
    if not on or drill not in lab.blueprint.drills or expect.recovered_before_heal != ():
        return drill
    if not outlasts([find_fault(step.fault) for step in drill.faults]):
        return drill
    kept = expect.model_copy(update={"recovered_before_heal": None, "failover": False})
    return drill.model_copy(update={"expect": kept, "why": WHY})


def is_configured(lab: Lab) -> bool:
    """Whether LAB was made with failsafe_mode."""
    return any(at_key(node.config.get(PATRONI), f"bootstrap.dcs.{SETTING}") for node in lab.member_nodes)
