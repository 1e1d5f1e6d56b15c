"""Graph → Mermaid, which GitHub and many wikis draw."""

from __future__ import annotations

import json
from collections.abc import Iterator

from labgen.graph.model import Graph, Group, Line, Machine, Spot
from labgen.wording import printable

SHAPES = {"client": ("([", "])"), "address": ("(", ")"), "mesh": ("{{", "}}")}
CLASSES = {
    "client": "fill:#fff3cd,stroke:#b58900,color:#000",
    "address": "fill:#fff3cd,stroke:#b58900,color:#000,stroke-dasharray:5",
    "mesh": "fill:#eaf5ea,stroke:#4d8a4d,color:#000",
    "notes": "fill:none,stroke:none",
}
ARROWS = {"talk": "-->", "mesh": "---", "held": "-.->"}
# Room for a machine's name and address: Mermaid reckons with one line.
CONFIG = "config: {flowchart: {subGraphTitleMargin: {top: 2, bottom: 22}, wrappingWidth: 400}}"
PLAIN = " .,:/()+-→…"


def mermaid(graph: Graph) -> str:
    """GRAPH as a flowchart with a subgraph for each machine, and one for each group of several."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    title = "; ".join(printable(line) for line in graph.title)
    yield from ("---", f"title: {json.dumps(title, ensure_ascii=False)}", CONFIG, "---", "flowchart TB")
    for spot in graph.spots:
        yield f"  {_spot(spot)}"
    for group in graph.groups:
        yield from _group(group)
    for line in graph.lines:
        yield f"  {_line(line)}"
    for name, style in CLASSES.items():
        yield f"  classDef {name} {style}"


def _spot(spot: Spot) -> str:
    before, after = SHAPES[spot.kind]
    return f"{spot.id}{before}{_quoted(*spot.lines)}{after}:::{spot.kind}"


def _group(group: Group) -> Iterator[str]:
    if len(group.machines) == 1:
        yield from _machine(group.machines[0], "  ")
        return
    yield f"  subgraph {group.id}[{_quoted(' ')}]"
    if group.notes:
        yield f"    {group.id}_notes[{_quoted(*group.notes)}]:::notes"
    for machine in group.machines:
        yield from _machine(machine, "    ")
    yield "  end"


def _machine(machine: Machine, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {machine.id}[{_quoted(machine.name, machine.address)}]"
    for box in machine.boxes:
        yield f"{indent}  {box.id}[{_quoted(box.component)}]"
    yield f"{indent}end"


def _line(line: Line) -> str:
    label = f"|{_quoted(*line.labels)}|" if line.labels else ""
    return f"{line.tail.id} {ARROWS[line.kind]}{label} {line.head.id}"


def _quoted(*lines: str) -> str:
    """A Mermaid string of so many lines; what could mean something to Mermaid or HTML is given by its number."""

    def plain(char: str) -> str:
        return char if char.isalnum() or char in PLAIN else f"#{ord(char)};"

    return '"' + "<br/>".join("".join(map(plain, printable(line))) for line in lines) + '"'
