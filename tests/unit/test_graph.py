"""The picture of a lab: what is drawn, in which languages, and that nothing in a name gets out of its quotes."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from labs import lab, write_component

from labgen.actions.lab.graph import graph
from labgen.actions.session.open import LabRequest
from labgen.blueprint.files import blueprint_files
from labgen.blueprint.loader import load_blueprint
from labgen.cli.main import app
from labgen.errors import HostError, LabgenError, UnknownNameError, UsageError
from labgen.graph import build_graph, dot, mermaid
from labgen.graph.model import Box, End, Graph, Group, Line, Machine, Spot
from labgen.lab.resolve import resolve

ROLE = (
    "parameters: {role: {type: string, default: client, doc: a role}, port: {type: integer, default: 7, doc: a port}}\n"
)
VIP = "parameters: {vip: {type: address, doc: an address that moves about}}\n"


def drawn(
    tmp_path: Path, manifests: Mapping[str, str], nodes: Mapping[str, Sequence[str]], tail: str = "", *words: str
) -> Graph:
    """The graph of a lab of these components."""
    for name, manifest in manifests.items():
        write_component(tmp_path / "components", name, manifest)
    return build_graph(lab(tmp_path, nodes, tail, *words))


def told(graph: Graph) -> set[str]:
    """Each line in a few words."""
    arrows = {"talk": "->", "mesh": "--", "held": "..>"}
    return {f"{line.tail.id} {arrows[line.kind]} {line.head.id}: {' | '.join(line.labels)}" for line in graph.lines}


def groups(graph: Graph) -> list[list[str]]:
    return [[machine.name for machine in group.machines] for group in graph.groups]


def test_a_machine_has_its_name_address_and_components(tmp_path: Path) -> None:
    graph = drawn(tmp_path, {"web-app": "", "agent": ""}, {"a-b": ["web-app", "agent"]})
    boxes = (Box("a_b__web_app", "web-app"), Box("a_b__agent", "agent"))
    assert graph.groups == (Group("group_0", (Machine("node_a_b", "a-b", "192.168.60.11", boxes),)),)
    assert (graph.spots, graph.lines) == ((), ())
    assert graph.title == ("sample: A sample", "profile modern (debian-13), network 192.168.60.0/24")


def test_the_title_names_lab_and_network(tmp_path: Path) -> None:
    graph = drawn(tmp_path, {"agent": ""}, {"one": ["agent"]}, "", "network.cidr=10.77.5.0/24")
    assert graph.title[1] == "profile modern (debian-13), network 10.77.5.0/24"
    assert graph.groups[0].machines[0].address == "10.77.5.11"


def test_talk_on_the_same_node(tmp_path: Path) -> None:
    talks = "talks: [{to: agent, label: asks, port: 80}, {to: absent}, {to: agent, label: tells}]\n"
    graph = drawn(tmp_path, {"app": talks, "agent": ""}, {"one": ["app", "agent"], "two": ["app"], "three": ["agent"]})
    assert told(graph) == {"one__app -> one__agent: asks 80 | tells"}


def test_talk_with_one_elsewhere_ends_at_the_component(tmp_path: Path) -> None:
    talks = "talks: [{to: agent, on: lab, label: asks, port: 80}]\n"
    graph = drawn(tmp_path, {"app": talks, "agent": "", "other": ""}, {"one": ["app"], "two": ["other", "agent"]})
    assert told(graph) == {"one__app -> two__agent: asks 80"}


def test_alike_machines_are_one_group(tmp_path: Path) -> None:
    talks = "talks: [{to: agent, on: lab, label: asks}]\n"
    nodes = {"one": ["app"], "two": ["agent"], "three": ["app"], "four": ["agent"], "five": ["agent", "app"]}
    graph = drawn(tmp_path, {"app": talks, "agent": ""}, nodes)
    assert groups(graph) == [["one", "three"], ["two", "four"], ["five"]]
    assert told(graph) == {
        "group_0 -> group_1: asks",
        "group_0 -> five__agent: asks",
        "five__app -> group_1: asks",
        "five__app -> five__agent: asks",
    }
    assert all(line.head.box in ("four__agent", "five__agent") for line in graph.lines)


def test_many_to_many_in_a_group_is_a_note(tmp_path: Path) -> None:
    talks = "talks: [{to: agent, on: lab, label: asks, port: 80}]\n"
    graph = drawn(tmp_path, {"app": talks, "agent": ""}, {"one": ["app", "agent"], "two": ["app", "agent"]})
    assert told(graph) == {"one__app -> one__agent: asks 80", "two__app -> two__agent: asks 80"}
    assert graph.groups[0].notes == ("app → agent of every node: asks 80",)


def test_all_with_all_is_one_mesh(tmp_path: Path) -> None:
    talks = "talks: [{to: agent, on: lab, label: gossip, port: 7}]\n"
    graph = drawn(tmp_path, {"agent": talks}, {"one": ["agent"], "two": ["agent"], "three": ["agent"]})
    assert graph.spots == (Spot("mesh_0", "mesh", ("agent", "gossip 7")),)
    assert told(graph) == {f"{node}__agent -- mesh_0: " for node in ("one", "two", "three")}
    graph = drawn(
        tmp_path, {"agent": talks, "app": ""}, {"one": ["agent"], "two": ["agent"], "three": ["agent", "app"]}
    )
    assert told(graph) == {"group_0 -- mesh_0: ", "three__agent -- mesh_0: "}
    assert drawn(tmp_path, {"agent": talks}, {"one": ["agent"]}).lines == ()


def test_when_and_where(tmp_path: Path) -> None:
    """Clients talk to servers, servers among themselves."""
    talks = """\
talks:
  - {to: agent, on: lab, label: raft, when: {role: server}, where: {role: server}}
  - {to: agent, on: lab, label: ask, when: {role: client}, where: {role: server}}
"""
    words = [f"nodes.{node}.agent.role=server" for node in ("one", "three")]
    graph = drawn(tmp_path, {"agent": ROLE + talks}, {name: ["agent"] for name in ("one", "two", "three")}, "", *words)
    assert groups(graph) == [["one", "three"], ["two"]]
    assert told(graph) == {"one__agent -- mesh_0: ", "three__agent -- mesh_0: ", "two__agent -> group_0: ask"}


def test_ports_are_worked_out(tmp_path: Path) -> None:
    talks = """\
talks:
  - {to: agent, on: lab, label: a, port: "{{ p.port + 1 }}"}
  - {to: agent, on: lab, label: b, port: "{{ 0 if p.port == 7 else 9 }}"}
  - {to: agent, on: lab, port: 3}
"""
    nodes = {"one": ["app"], "two": ["app"], "three": ["agent"]}
    graph = drawn(tmp_path, {"app": ROLE + talks, "agent": ""}, nodes, "", "nodes.two.app.port=5")
    assert told(graph) == {"one__app -> three__agent: a 8 | 3", "two__app -> three__agent: a 6 | b 9 | 3"}


@pytest.mark.parametrize(
    ("port", "said"), [("{{ p.prot }}", "there is no value 'prot'"), ("eighty", "it is no number")]
)
def test_a_port_that_cannot_be_worked_out(tmp_path: Path, port: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        drawn(tmp_path, {"app": f"{ROLE}talks: [{{to: app, port: '{port}'}}]\n"}, {"one": ["app"]})
    assert caught.value.lines() == [
        f"error: the port '{port}' of app cannot be worked out on one: {said}",
        f"  where: {tmp_path / 'components' / 'app' / 'component.yml'}",
    ]


def test_ways_in(tmp_path: Path) -> None:
    """To the component that listens there; to a group if all of it is a way in; over an address to who may have it."""
    manifests = {
        "app": "",
        "agent": "listens: [{port: 80}, {port: 81, on: loopback}]\n",
        "vip": f"{VIP}listens: [{{port: 90}}]\n",
    }
    nodes = {name: ["app", "agent"] for name in ("one", "two")} | {"three": ["app", "vip"], "four": ["app", "vip"]}
    tail = """\
settings: {vip: {vip: 192.168.60.99}}
paths:
  - {name: first, host: one, port: 80, summary: x}
  - {name: second, host: two, port: 80, summary: x}
  - {name: odd, host: one, port: 81, summary: x}
  - {name: read, host: 192.168.60.99, port: 90, summary: x}
  - {name: write, host: 192.168.60.99, port: 91, summary: x}
  - {name: nobody, host: 192.168.60.98, port: 1, summary: x}
"""
    graph = drawn(tmp_path, manifests, nodes, tail)
    assert told(graph) == {
        "client -> group_0: 80",
        "client -> one__app: 81",
        "client -> address_192_168_60_99: read 90 | write 91",
        "address_192_168_60_99 ..> group_1: ",
        "client -> address_192_168_60_98: nobody 1",
    }
    assert [spot.kind for spot in graph.spots] == ["client", "address", "address"]


NASTY = 'a "b" \\N \\" <b>&amp; #35; `c` |d| ]e] {f} %% --> \x1b[31m\nend ; $g 名'


@pytest.fixture
def nasty() -> Graph:
    """A graph whose every text is as bad as can be."""
    machines = tuple(
        Machine(f"node_{name}", NASTY, NASTY, (Box(f"{name}__x", NASTY), Box(f"{name}__y", NASTY))) for name in "ab"
    )
    end_a, end_b = End("a__x", "a__x"), End("a__y", "a__y")
    lines = (
        Line(End("client", "client"), End("group_0", "b__x"), (NASTY, NASTY)),
        Line(end_a, end_b, (NASTY,)),
        Line(end_b, End("mesh_1", "mesh_1"), (), "mesh"),
        Line(End("address_1", "address_1"), End("group_0", "b__x"), (), "held"),
    )
    spots = (
        Spot("client", "client", (NASTY,)),
        Spot("mesh_1", "mesh", (NASTY,)),
        Spot("address_1", "address", (NASTY,)),
    )
    return Graph((NASTY, NASTY), (Group("group_0", machines, (NASTY,)),), spots, lines)


def built_in(name: str) -> Graph:
    return build_graph(resolve(load_blueprint(blueprint_files()[name]), provider="docker"))


def dot_draws(text: str) -> str:
    if not shutil.which("dot"):
        pytest.skip("Graphviz is not here")
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def shown(svg: str) -> list[str]:
    return [
        "".join(text.itertext()).strip()
        for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - Graphviz wrote it
    ]


@pytest.mark.parametrize("name", blueprint_files())
def test_graphviz_draws_every_blueprint(name: str) -> None:
    graph = built_in(name)
    there = shown(dot_draws(dot(graph)))
    for group in graph.groups:
        for machine in group.machines:
            assert {machine.name, machine.address, *(box.component for box in machine.boxes)} <= set(there)
    for line in graph.lines:
        assert set(line.labels) <= set(there)


def test_graphviz_shows_texts_as_they_are(nasty: Graph) -> None:
    there = shown(dot_draws(dot(nasty)))
    wanted = " ".join(NASTY.replace("\x1b", "\\x1b").replace("\n", "\\n").split())
    assert len(there) == 17
    assert {" ".join(text.replace("\xa0", " ").split()) for text in there} == {wanted}


TEXT = r'"(?:[\w .,:/()+\-→…]|#\d+;|<br/>)*"'
LINES = [
    r"---",
    r"title: \".*\"",
    r"config: \{.*\}",
    r"flowchart TB",
    rf"\s+subgraph (?P<cluster>\w+)\[{TEXT}\]",
    r"\s+end",
    rf"\s+(?P<node>\w+)(?:\[{TEXT}\]|\(\[{TEXT}\]\)|\({TEXT}\)|\{{\{{{TEXT}\}}\}})(?::::(?P<of>\w+))?",
    rf"\s+(?P<tail>\w+) (?:-->|---|-\.->)(?:\|{TEXT}\|)? (?P<head>\w+)",
    r"\s+classDef (?P<name>\w+) [\w:#,-]+",
]
WORDS = {"end", "graph", "subgraph", "flowchart", "class", "click", "style", "default", "direction"}


def check_mermaid(text: str) -> None:
    """Every line is one that Mermaid knows, subgraphs end, and what lines connect is there."""
    ids: list[str] = []
    ends: set[str] = set()
    classes: tuple[set[str], set[str]] = (set(), set())
    depth = 0
    for line in text.splitlines():
        found = next((match for pattern in LINES if (match := re.fullmatch(pattern, line))), None)
        assert found, line
        parts = found.groupdict()
        ids += [parts[kind] for kind in ("cluster", "node") if parts.get(kind)]
        ends |= {parts[kind] for kind in ("tail", "head") if parts.get(kind)}
        classes[0].update(filter(None, [parts.get("of")]))
        classes[1].update(filter(None, [parts.get("name")]))
        depth += ("subgraph" in line.split()[:1]) - (line.strip() == "end")
        assert depth in range(3)
    assert depth == 0
    assert len(ids) == len(set(ids))
    assert ends <= set(ids)
    assert not WORDS & set(ids)
    assert classes[0] <= classes[1]


@pytest.mark.parametrize("name", blueprint_files())
def test_mermaid_of_every_blueprint(name: str) -> None:
    check_mermaid(mermaid(built_in(name)))


def test_mermaid_texts_stay_in_their_quotes(nasty: Graph) -> None:
    text = mermaid(nasty)
    check_mermaid(text)
    assert text.count("#34;b#34;") == 15  # the title is YAML, and has it as \"b\"
    assert text.count('\\"b\\"') == 2
    assert "名" in text
    assert "\x1b" not in text


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path))
    request = LabRequest("consul-pgbouncer", provider="docker", overrides=("network.cidr=10.77.5.0/24",))
    assert "10.77.5.14" in graph(request, "mermaid")
    assert graph(request, "dot").startswith("digraph lab {\n")
    with pytest.raises(UnknownNameError) as unknown:
        graph(request, "mermiad")
    assert unknown.value.cure == "did you mean 'mermaid'?"
    if shutil.which("dot"):
        assert "10.77.5.55" in shown(graph(request, "svg"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError) as caught:
        graph(request, "svg")
    assert caught.value.lines() == [
        "error: Graphviz, which draws the picture, is not installed: no dot in PATH",
        "  next:  install it: sudo apt-get install graphviz, or use --format mermaid",
    ]


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The file's ending chooses the language, unless --format does."""
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path))

    def draw(*words: str) -> str:
        app(["graph", "consul-pgbouncer", *words], standalone_mode=False)
        return capsys.readouterr().out

    file = tmp_path / "picture.gv"
    assert draw().startswith("---\ntitle: ")
    assert draw("-o", str(file)) == f"{file}\n"
    assert file.read_text() == draw("--format", "dot")
    draw("-o", str(file), "--format", "mermaid", "--profile", "published")
    assert "profile published (debian-11)" in file.read_text()
    with pytest.raises(UsageError) as caught:
        draw("-o", str(tmp_path / "nowhere" / "picture.mmd"))
    assert caught.value.lines() == [
        f"error: {tmp_path / 'nowhere' / 'picture.mmd'} cannot be written: No such file or directory",
        "  next:  name another file with -o",
    ]


def test_graphviz_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_STATE", str(tmp_path))
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\ncat >/dev/null\necho 'Error: no memory' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(LabgenError) as caught:
        graph(LabRequest("consul-pgbouncer", provider="docker"), "svg")
    assert caught.value.lines() == [
        "error: Graphviz cannot draw it",
        "  | Error: no memory",
        "  next:  see what it got: --format dot",
    ]
