"""A verdict as plain data: what `--json` prints and what tables and pages are made from."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from labgen.drill.judge.log import Log
from labgen.drill.judge.measure import PathFigures
from labgen.drill.judge.verdict import DrillVerdict, limit_of


def summary(log: Log, verdict: DrillVerdict, file: str) -> dict[str, Any]:
    """Everything about one run."""
    measures, begin = verdict.measures, log.begin
    told = {str(about["name"]): about for about in begin.get("paths", ())}
    return {
        "drill": log.drill.name,
        "title": log.drill.title,
        "lab": begin.get("lab"),
        "blueprint": begin.get("blueprint"),
        "profile": begin.get("profile"),
        "provider": begin.get("provider"),
        "started": begin.get("started"),
        "verdict": verdict.status,
        "faults": list(verdict.faults),
        "doubts": list(verdict.doubts),
        "operations": begin.get("operations", []),
        "client": begin.get("client"),
        "timers": begin.get("timers", {}),
        "probe": {
            **{name: begin.get(name) for name in ("interval", "deadline", "connect_timeout", "observe")},
            "clocks": dict(log.clocks),
        },
        "paths": [_path(figures, told[figures.path], limit_of(log, figures.path)) for figures in measures.paths],
        "leader_key": _seconds(measures.key),
        "promoted": _seconds(measures.promoted),
        "whole": _seconds(measures.whole),
        "rejoined": _seconds(measures.rejoined),
        "timelines": [measures.timeline, measures.later_timeline],
        "writes": {
            "acknowledged": sum(figures.ok for figures in measures.paths if not figures.reads),
            "lost": _count(measures.lost),
            "recovered": _count(measures.recovered),
            "unexpected": _count(measures.unexpected),
            "forked": len(measures.forked),
        },
        "two_leaders": [
            {"nodes": [overlap.first, overlap.second], "seconds": _seconds(overlap.seconds)}
            for overlap in measures.overlaps
        ],
        "log": file,
    }


def _path(figures: PathFigures, about: dict[str, Any], limit: float | None) -> dict[str, Any]:
    predicted = about.get("predicted")
    return {
        "path": figures.path,
        "for": "reading" if figures.reads else "writing",
        "gap": _seconds(figures.gap),
        "open": figures.open,
        "before": _seconds(figures.calm),
        "new_timeline": _seconds(figures.new_timeline),
        "held": figures.held,
        "expected": limit,
        "predicted": None if predicted is None else [predicted["low"], predicted["high"]],
        "why": "" if predicted is None else predicted["why"],
        "ok": figures.ok,
        "fail": figures.fail,
        "unknown": figures.unknown,
    }


def series(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Minimum, median and maximum over several runs of one drill: of each path's gap, and of the cluster's times.

    Beside a gap stands what the timers say; for which leader they do may differ from run to run.
    """
    rows = []
    for at, path in enumerate(runs[0]["paths"]):
        each = [run["paths"][at] for run in runs]
        said = [one["predicted"] for one in each if one["predicted"] is not None]
        predicted = [min(low for low, _ in said), max(high for _, high in said)] if said else None
        rows.append(_spread(f"gap through {path['path']}", [one["gap"] for one in each], predicted))
    for key, title in (("leader_key", "new leader key"), ("promoted", "promoted"), ("whole", "whole again")):
        rows.append(_spread(title, [run[key] for run in runs]))
    rows.append(_spread("lost writes", [run["writes"]["lost"] for run in runs]))
    return rows


def _spread(title: str, values: Sequence[float | None], predicted: Sequence[float] | None = None) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {
        "figure": title,
        "minimum": min(known, default=None),
        "median": round(median(known), 2) if known else None,
        "maximum": max(known, default=None),
        "predicted": predicted,
        "runs": len(known),
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _count(ids: Sequence[str] | None) -> int | None:
    return None if ids is None else len(ids)
