"""A result in the terminal, as one would paste it into a report: what was done, what was seen, and on what it rests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from labgen.checks.table import plain
from labgen.checks.wording import listed
from labgen.repro.result import counted
from labgen.systems import systems

COLOURS = {"reproduced": "red", "not-reproduced": "green", "unknown": "yellow"}
SIGNS = {
    "yes": "[green]✓[/]",
    "no": "[red]✗[/]",
    "unknown": "[yellow]?[/]",
    "done": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "left out": "[dim]-[/]",
}
FIRST = ("patroni", "postgresql", "etcd", "consul", "haproxy", "keepalived", "pgbouncer")
"""The programs that are named before all others; a result is read without its lab, and so without roles."""
BRIEF = 4
"""Lines of each answer that are shown unless all are asked for."""


def result_lines(result: dict[str, Any], *, whole: bool = False) -> Iterator[str]:
    """RESULT with markup, a line each; WHOLE: with every line of evidence."""
    yield from _head(result)
    tries = result["tries"]
    shown = _telling(result) if not whole else tries
    for one in shown:
        if len(tries) > 1:
            yield ""
            yield f"[bold]try {tries.index(one) + 1} of {len(tries)}: {one['verdict']}[/]"
        yield from _one(one, whole=whole)


def _head(result: dict[str, Any]) -> Iterator[str]:
    verdict, found = result["verdict"], result["versions"]
    yield f"[bold {COLOURS[verdict]}]{verdict}[/] {escape(result['reproduction'])}: {escape(result['title'])}"
    about = [f"reported as {result['report']}" if result["report"] else "", f"mended in {result['fixed']}"]
    if told := listed(words for words, given in zip(about, (result["report"], result["fixed"]), strict=True) if given):
        yield f"  {escape(told)}"
    versions = [f"{name} {found[name]}" for name in dict.fromkeys((*FIRST, *found)) if name in found]
    yield f"  on {_title(result['os'])} with {', '.join(versions)}; {result['provider']}"
    if len(result["tries"]) > 1:
        yield f"  {counted(result['counts'])}"
    for reason in result["reasons"]:
        yield f"  [yellow]?[/] {_text(reason)}" if verdict == "unknown" else f"  {_text(reason)}"


def _telling(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The first try that says what all of them together say."""
    return [one for one in result["tries"] if one["verdict"] == result["verdict"]][:1]


def _one(one: dict[str, Any], *, whole: bool) -> Iterator[str]:
    yield ""
    for action in one["actions"]:
        seconds = "" if action["state"] == "left out" else f" [dim]{action['seconds']:.1f} s[/]"
        yield f"  {SIGNS[action['state']]} {_text(action['title'])}{seconds}"
        if whole or action["state"] == "failed":
            yield from _evidence(action["evidence"], whole=whole, indent="    ")
    for key, title in (("seen", "seen"), ("otherwise", "otherwise")):
        if one[key]:
            yield ""
            yield f"{title}"
        for judged in one[key]:
            yield f"  {SIGNS[judged['holds']]} {_text(judged['condition'])}"
            yield f"    [dim]{_text(judged['why'])}[/]"
    yield ""
    yield from _evidence(_distinct([*one["seen"], *one["otherwise"]]), whole=whole)


def _distinct(judged: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every answer once: several conditions may look into the same log."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for piece in (piece for one in judged for piece in one["evidence"]):
        found.setdefault((piece["node"], piece["command"], piece["stdout"]), piece)
    return list(found.values())


def _evidence(pieces: Iterable[dict[str, Any]], *, whole: bool, indent: str = "  ") -> Iterator[str]:
    for piece in pieces:
        command = piece["command"].strip().splitlines() if whole else [" ".join(piece["command"].split())]
        yield f"{indent}[cyan]{escape(piece['node'])}#[/] {_text(command[0])}"
        yield from (f"{indent}> {_text(line)}" for line in command[1:])
        lines = [line for part in ("stdout", "stderr") for line in plain(piece[part]).splitlines() if line.strip()]
        yield from (f"{indent}  {_text(line)}" for line in (lines if whole else lines[:BRIEF]))
        if len(lines) > BRIEF and not whole:
            yield f"{indent}  [dim]… {len(lines) - BRIEF} more lines[/]"
        if piece["rc"] != 0:
            yield f"{indent}  [dim]{'no answer' if piece['rc'] is None else 'exit ' + str(piece['rc'])}[/]"


def reproductions_table(rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("reproduction", "report", "fixed", "lab", "what it is about"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def _text(text: str) -> str:
    """TEXT without markup, to be followed by a space or nothing."""
    safe = escape(plain(text))
    # In case that a tag follows, a backslash at the end is doubled.
    return safe[:-1] if text.endswith("\\") else safe


def matrix_table(matrix: dict[str, Any]) -> Table:
    """One line a cell: what it differs in, and what came of it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for path in matrix["over"]:
        table.add_column(escape(path))
    table.add_column("verdict")
    table.add_column("tries", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("seen", overflow="fold")
    for cell in matrix["cells"]:
        status, counts = cell["status"], cell["result"].get("counts")
        table.add_row(
            *(escape(value) for value in cell["values"].values()),
            f"[{COLOURS.get(status, 'dim')}]{status}[/]",
            f"{counts['reproduced']} of {sum(counts.values())}" if counts else "",
            f"{cell['seconds']:.0f}" if cell["seconds"] else "",
            _text("; ".join(_gist(cell))),
        )
    return table


def _gist(cell: dict[str, Any]) -> list[str]:
    """What was found, without how it was asked."""
    telling = _telling(cell["result"]) if cell["result"] else []
    if cell["status"] not in ("reproduced", "not-reproduced") or not telling:
        return list(cell["reasons"])
    key = "seen" if cell["status"] == "reproduced" or not telling[0]["otherwise"] else "otherwise"
    return [judged["why"] for judged in telling[0][key]]


def flip_lines(matrix: dict[str, Any]) -> Iterator[str]:
    """Where the verdict changes."""
    for flip in matrix["flips"]:
        before, after = flip["verdicts"]
        beside = ", ".join(f"{path}={value}" for path, value in flip["beside"].items())
        yield (
            f"it flips between {flip['path']}={flip['before']} ({before}) and {flip['after']} ({after})"
            + (f", with {beside}" if beside else "")
        )
    judged = {cell["status"] for cell in matrix["cells"]} & {"reproduced", "not-reproduced"}
    if not matrix["flips"] and len(judged) == 1 and len(matrix["cells"]) > 1:
        yield f"it flips nowhere: {judged.pop()} in every cell that has a verdict"


def bisection_lines(matrix: dict[str, Any]) -> Iterator[str]:
    """The first version that differs, or why there is none."""
    found, (path,) = matrix["bisection"], matrix["over"]
    if found["first"] is None:
        yield "the two ends do not differ, or one of them has no verdict: nothing to search between them"
        return
    status = {cell["values"][path]: cell["status"] for cell in matrix["cells"]}
    yield f"the first that differs is {path}={found['first']}: {status[found['first']]}"
    yield f"  {status[found['last']]} up to {found['last']}"
    if found["between"]:
        yield f"  not judged, between the two: {', '.join(found['between'])}"
    yield f"  {len(matrix['cells'])} of {len(matrix['over'][path])} versions were tried"


def _title(os: str) -> str:
    # A result may come from a labgen that knows more of them.
    return systems()[os].title if os in systems() else os
