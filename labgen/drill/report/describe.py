"""Drills and faults in words, for lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labgen.blueprint.drills import Drill, DrillExpectation, FaultStep
from labgen.errors import PluginError
from labgen.faults.model import Fault
from labgen.faults.registry import find_fault


def drill_rows(drills: Sequence[Drill]) -> list[dict[str, Any]]:
    return [
        {
            "name": drill.name,
            "title": drill.title,
            "faults": [_step(step) + (f" after {step.after:g} s" if step.after else "") for step in drill.faults],
            "expected": expected(drill.expect),
            "why": drill.why,
        }
        for drill in drills
    ]


def _step(step: FaultStep) -> str:
    try:
        return f"{step.fault} of {step.target or find_fault(step.fault).target}"
    except PluginError:  # whoever plays the drill hears why
        return f"{step.fault}, which cannot be loaded"


def fault_rows(faults: Sequence[Fault], provider: str) -> list[dict[str, Any]]:
    return [
        {
            "name": fault.name,
            "target": fault.target,
            "title": fault.title,
            "refused": fault.not_with(provider),
            "values": {name: choice.about for name, choice in fault.choices.items()},
        }
        for fault in faults
    ]


def expected(expect: DrillExpectation) -> str:
    """EXPECT as half a sentence."""
    words = []
    if expect.failover is not None:
        words.append("another node takes over" if expect.failover else "nobody takes over")
    if expect.outage == "timers":
        words.append("no longer without an answer than the timers say")
    elif expect.outage is not None:
        words.append(f"at most {expect.outage:g} s without an answer")
    words += [f"{path} at most {limit:g} s" for path, limit in expect.paths.items()]
    if (back := expect.recovered_before_heal) is not None:
        who = f"only {', '.join(back)}" if back else "nothing"
        words.append(f"{who} comes back before healing")
    words.append(f"{expect.lost or 'nothing'} lost")
    if expect.two_leaders:
        words.append(f"two leaders for at most {expect.two_leaders:g} s")
    return ", ".join(words)
