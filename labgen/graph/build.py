"""Lab → Graph. What is many-to-many is drawn once: alike machines are one group, and all with all is one mesh."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from labgen.components.manifest import Listen, Talk, VipRole
from labgen.graph.model import Box, End, Graph, Group, Line, Machine, Spot
from labgen.lab import roles
from labgen.lab.model import Lab, Node, matches

CLIENT = Spot("client", "client", ("client",))


@dataclass(frozen=True)
class Relation:
    """One talk of a manifest in this lab: the names of the nodes that ask, and of those that answer."""

    asker: str
    answerer: str
    on: str
    label: str
    askers: frozenset[str]
    answerers: frozenset[str]


def build_graph(lab: Lab) -> Graph:
    """The picture of LAB; raises UsageError naming the manifest whose talk cannot be worked out."""
    return _Builder(lab).graph()


class _Builder:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._relations = list(self._all_relations())
        self._groups = self._alike()
        self._spots: list[Spot] = []
        self._lines: list[Line] = []
        self._notes: dict[int, list[str]] = {}

    def graph(self) -> Graph:
        self._ways_in()
        for relation in self._relations:
            self._draw(relation)
        groups = tuple(
            Group(f"group_{index}", tuple(_machine(node) for node in nodes), tuple(self._notes.get(index, ())))
            for index, nodes in enumerate(self._groups)
        )
        return Graph(self._title(), groups, tuple(self._spots), tuple(_merged(self._lines)))

    def _title(self) -> tuple[str, ...]:
        lab, blueprint = self._lab, self._lab.blueprint
        name = lab.name if lab.name == blueprint.name else f"{lab.name} ({blueprint.name})"
        return (f"{name}: {blueprint.title}", f"profile {lab.profile} ({lab.os}), network {lab.network.cidr}")

    # --- who talks to whom ---

    def _all_relations(self) -> Iterator[Relation]:
        for name, component in self._lab.components.items():
            for talk in component.manifest.talks:
                answerers = frozenset(node.name for node in self._lab.nodes_with(talk.to, **talk.where))
                by_label: dict[str, set[str]] = {}
                for node in self._lab.nodes_with(name, **talk.when):
                    port = self._port(talk, node, name)
                    if port != 0:
                        by_label.setdefault(" ".join(filter(None, (talk.label, str(port or "")))), set()).add(node.name)
                for label, askers in by_label.items():
                    yield Relation(name, talk.to, talk.on, label, frozenset(askers), answerers)

    def _port(self, entry: Talk | Listen, node: Node, component: str) -> int | None:
        if entry.port is None:
            return None
        return roles.port(self._lab, entry.port, node, component)

    def _alike(self) -> list[tuple[Node, ...]]:
        """The nodes by what they carry and in which talks they take part, in the blueprint's order."""
        groups: dict[object, list[Node]] = {}
        for node in self._lab.nodes:
            part = tuple(
                (node.name in relation.askers, node.name in relation.answerers) for relation in self._relations
            )
            groups.setdefault((frozenset(node.components), part), []).append(node)
        return [tuple(nodes) for nodes in groups.values()]

    # --- as lines ---

    def _draw(self, relation: Relation) -> None:
        if relation.on == "node":
            for node in self._lab.nodes:
                if node.name in relation.askers & relation.answerers:
                    self._inside(node, relation)
            return
        askers, answerers = self._groups_in(relation.askers), self._groups_in(relation.answerers)
        among = [index for index in askers if index in answerers] if relation.asker == relation.answerer else []
        if sum(len(self._groups[index]) for index in among) > 1:
            self._mesh(relation, among)
        for asker in askers:
            for answerer in answerers:
                if asker in among and answerer in among:
                    continue
                if asker != answerer:
                    tail, head = self._end(asker, relation.asker), self._end(answerer, relation.answerer)
                    self._lines.append(Line(tail, head, (relation.label,)))
                    continue
                for node in self._groups[asker]:
                    self._inside(node, relation)
                if len(self._groups[asker]) > 1:
                    note = f"{relation.asker} → {relation.answerer} of every node: {relation.label}"
                    self._notes.setdefault(asker, []).append(note)

    def _inside(self, node: Node, relation: Relation) -> None:
        tail, head = _box(node, relation.asker), _box(node, relation.answerer)
        self._lines.append(Line(End(tail, tail), End(head, head), (relation.label,)))

    def _mesh(self, relation: Relation, among: list[int]) -> None:
        """Everybody with everybody: a spot to which each member has a line, or each group if there are several."""
        spot = Spot(f"mesh_{len(self._spots)}", "mesh", (relation.asker, relation.label))
        self._spots.append(spot)
        if len(among) == 1:
            ends = [End(box, box) for box in (_box(node, relation.asker) for node in self._groups[among[0]])]
        else:
            ends = [self._end(index, relation.asker) for index in among]
        self._lines += [Line(end, End(spot.id, spot.id), (), "mesh") for end in ends]

    def _ways_in(self) -> None:
        """From the client to what listens at each path; an address that is no node's goes to those that can have it."""
        by_name = {node.name: node for node in self._lab.nodes}
        if self._lab.blueprint.paths:
            self._spots.append(CLIENT)
        there = End(CLIENT.id, CLIENT.id)
        ports: dict[tuple[int, str, int], set[str]] = {}
        for path in self._lab.blueprint.paths:
            if path.host in by_name:
                node = by_name[path.host]
                ports.setdefault((self._index(node), self._listener(node, path.port), path.port), set()).add(node.name)
                continue
            spot = Spot(f"address_{path.host.replace('.', '_')}", "address", (path.host,))
            if spot not in self._spots:
                self._spots.append(spot)
                for index, component in self._holders(path.host):
                    self._lines.append(Line(End(spot.id, spot.id), self._end(index, component), (), "held"))
            self._lines.append(Line(there, End(spot.id, spot.id), (f"{path.name} {path.port}",)))
        for (index, component, port), names in ports.items():
            if len(names) == len(self._groups[index]):
                self._lines.append(Line(there, self._end(index, component), (str(port),)))
            else:
                boxes = [_box(by_name[name], component) for name in sorted(names)]
                self._lines += [Line(there, End(box, box), (str(port),)) for box in boxes]

    def _listener(self, node: Node, port: int) -> str:
        """The component that listens there; the first one if no manifest tells."""
        for component in node.components:
            for listen in self._lab.components[component].manifest.listens:
                there = listen.on == "node" and matches(node.settings[component], listen.when)
                if there and self._port(listen, node, component) == port:
                    return component
        return node.components[0]

    def _holders(self, address: str) -> Iterator[tuple[int, str]]:
        """The groups with a component that moves ADDRESS, or one of whose parameters it is."""
        moved_by = {vip.component for vip in self._lab.providing(VipRole) if roles.address(self._lab, vip) == address}
        for index, nodes in enumerate(self._groups):
            for component in nodes[0].components:
                parameters = self._lab.components[component].manifest.parameters
                values = nodes[0].settings[component]
                has_it = any(about.type == "address" and values[name] == address for name, about in parameters.items())
                if has_it or component in moved_by:
                    yield index, component

    # --- where things are ---

    def _index(self, node: Node) -> int:
        return next(index for index, nodes in enumerate(self._groups) if node in nodes)

    def _groups_in(self, names: Iterable[str]) -> list[int]:
        """The groups whose nodes are among NAMES; alike nodes are all in or all out."""
        return [index for index, nodes in enumerate(self._groups) if nodes[0].name in names]

    def _end(self, index: int, component: str) -> End:
        """The component's box if its machine is alone in its group, else the group."""
        nodes = self._groups[index]
        box = _box(nodes[-1], component)
        return End(box if len(nodes) == 1 else f"group_{index}", box)


def _machine(node: Node) -> Machine:
    boxes = tuple(Box(_box(node, component), component) for component in node.components)
    return Machine(f"node_{_word(node.name)}", node.name, node.address, boxes)


def _box(node: Node, component: str) -> str:
    return f"{_word(node.name)}__{_word(component)}"


def _word(name: str) -> str:
    """A name as an identifier; names have no underscore, so no two become one."""
    return name.replace("-", "_")


def _merged(lines: list[Line]) -> Iterator[Line]:
    """Lines between the same two things as one line with the labels of all."""
    merged: dict[tuple[str, str, str], Line] = {}
    for line in lines:
        key = (line.tail.id, line.head.id, line.kind)
        before = merged.get(key, replace(line, labels=()))
        labels = (*before.labels, *filter(None, line.labels))
        merged[key] = replace(before, labels=tuple(dict.fromkeys(labels)))
    yield from merged.values()
