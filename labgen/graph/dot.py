"""Graph → DOT, for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from labgen.graph.model import End, Graph, Group, Line, Machine, Spot
from labgen.wording import printable

GRAPH = {
    "compound": "true",
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "20",
    "labelloc": "t",
    "nodesep": "0.25",
    "ranksep": "0.55",
}
NODE = {
    "shape": "box",
    "style": "rounded,filled",
    "fillcolor": "#ffffff",
    "color": "#5b7083",
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "15",
    "height": "0.36",
    "margin": "0.12,0.05",
}
EDGE = {
    "color": "#3d5163",
    "fontcolor": "#1f4e79",
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "13",
    "arrowsize": "0.8",
}
GROUP = {"style": "rounded,dashed", "color": "#9aa9b5", "fontsize": "14", "fontcolor": "#1f4e79", "margin": "14"}
MACHINE = {
    "labelloc": "b",
    "fontcolor": "#000000",
    "style": "rounded,filled",
    "color": "#5b7083",
    "fillcolor": "#e8eff5",
    "fontsize": "16",
    "margin": "10",
}
SPOTS = {
    "client": {"shape": "ellipse", "fillcolor": "#fff3cd", "color": "#b58900"},
    "address": {"style": "rounded,filled,dashed", "fillcolor": "#fff3cd", "color": "#b58900"},
    "mesh": {"shape": "ellipse", "fillcolor": "#eaf5ea", "color": "#4d8a4d", "fontsize": "13"},
}
LINES = {
    "talk": {},
    "mesh": {"dir": "none", "color": "#4d8a4d"},
    "held": {"style": "dashed", "color": "#b58900"},
}


def dot(graph: Graph) -> str:
    """GRAPH as a digraph with a cluster for each machine, and one for each group of several."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    yield "digraph lab {"
    yield f"  graph {_attributes({**GRAPH, 'label': graph.title})}"
    yield f"  node {_attributes(NODE)}"
    yield f"  edge {_attributes(EDGE)}"
    for spot in graph.spots:
        yield f"  {_spot(spot)}"
    for group in graph.groups:
        yield from _group(group)
    places = _Places(graph)
    for line in graph.lines:
        yield f"  {_line(line, places)}"
    yield "}"


def _spot(spot: Spot) -> str:
    return f"{_quoted(spot.id)} {_attributes({'label': spot.lines, **SPOTS[spot.kind]})}"


def _group(group: Group) -> Iterator[str]:
    if len(group.machines) == 1:
        yield from _machine(group.machines[0], "  ")
        return
    yield f"  subgraph {_quoted(f'cluster_{group.id}')} {{"
    yield f"    graph {_attributes({**GROUP, 'label': group.notes})}"
    for machine in group.machines:
        yield from _machine(machine, "    ")
    yield "  }"


def _machine(machine: Machine, indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {_quoted(f'cluster_{machine.id}')} {{"
    yield f"{indent}  graph {_attributes({**MACHINE, 'label': (machine.name, machine.address)})}"
    for box in machine.boxes:
        yield f"{indent}  {_quoted(box.id)} {_attributes({'label': (box.component,)})}"
    yield f"{indent}}}"


class _Places:
    """Where the ends of lines are: on which machine, in which group, how far from the client."""

    def __init__(self, graph: Graph) -> None:
        self.machine = {box.id: m.id for group in graph.groups for m in group.machines for box in m.boxes}
        self._group = {box.id: group.id for group in graph.groups for m in group.machines for box in m.boxes}
        self._level = self._levels(graph)

    def leads_back(self, line: Line) -> bool:
        """Whether the line goes towards the client."""
        tail, head = (self._level.get(self._place(end)) for end in (line.tail, line.head))
        return tail is not None and head is not None and tail > head

    def _levels(self, graph: Graph) -> dict[str, int]:
        level = {spot.id: 0 for spot in graph.spots if spot.kind == "client"}
        reached = list(level)
        for place in reached:
            for line in graph.lines:
                head = self._place(line.head)
                if line.kind != "mesh" and self._place(line.tail) == place and head not in level:
                    level[head] = level[place] + 1
                    reached.append(head)
        return level

    def _place(self, end: End) -> str:
        return self._group.get(end.box, end.box)


def _line(line: Line, places: _Places) -> str:
    attributes: dict[str, str | Sequence[str]] = {**LINES[line.kind]}
    if line.labels:
        # A little away from the line.
        attributes["label"] = [f" {label} " for label in line.labels]
    # A line begins at the machine's edge, so that it does not cross the machine's name.
    tail = places.machine.get(line.tail.id, line.tail.id)
    if tail == places.machine.get(line.head.id):
        tail = line.tail.id
    ends = [(line.tail.box, tail), (line.head.box, line.head.id)]
    if places.leads_back(line):
        # What is further from the client is further down, whoever begins to talk.
        ends.reverse()
        attributes["dir"] = "back"
    for (box, end), clip in zip(ends, ("ltail", "lhead"), strict=True):
        if box != end:
            attributes[clip] = f"cluster_{end}"
    return f"{_quoted(ends[0][0])} -> {_quoted(ends[1][0])} {_attributes(attributes)}".rstrip()


def _attributes(values: Mapping[str, str | Sequence[str]]) -> str:
    words = [f"{name}={_quoted(*([value] if isinstance(value, str) else value))}" for name, value in values.items()]
    return f"[{', '.join(words)}]" if words else ""


def _quoted(*lines: str) -> str:
    r"""A DOT string of so many lines. In a label `\` begins an escape and `&` an entity: neither is meant."""

    def plain(line: str) -> str:
        return printable(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")

    return '"' + "\\n".join(map(plain, lines)) + '"'
