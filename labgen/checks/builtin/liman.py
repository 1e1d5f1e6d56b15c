"""Liman: a note written through HAProxy is read there and by every Liman, and the server that they reach leads."""

from __future__ import annotations

import json
import secrets
import shlex
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labgen.checks.builtin.patroni import leader_node
from labgen.checks.context import Answers, Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import listed
from labgen.lab.model import Node
from labgen.reading import parse_json


@dataclass(frozen=True)
class Reply:
    """What a Liman says: its name, and either an error or the server that it reached, with the note asked for."""

    node: str
    error: str = ""
    server: str = ""
    note: str = ""


def parse_reply(text: str) -> Reply:
    """The JSON that a Liman, or HAProxy for it, answers."""
    try:
        document = parse_json(text)
        if "error" in document:
            return Reply(str(document["node"]), error=str(document["error"]))
        server, note = document["server"], document.get("note", {})
        return Reply(str(document["node"]), server=str(server["address"]), note=str(note.get("text", "")))
    except (ValueError, LookupError, TypeError, AttributeError) as why:
        raise Unknown(f"instead of a Liman there answers {text.strip()[:80]!r}") from why


def judge_reply(reply: Reply, leader: Node, note: str, way: str = "") -> list[str]:
    """What is wrong with a REPLY that came by WAY: an error, another server than LEADER, another text than NOTE's."""
    if reply.error:
        return [f"{way}{reply.node} says: {reply.error}"]
    if reply.server != leader.address:
        return [f"{way}{reply.node} reaches {reply.server}, not the leader {leader.name}"]
    return [] if reply.note == note else [f"{way}{reply.node} does not show the note that was written"]


def _curl(url: str, *words: str) -> str:
    return shlex.join(["curl", "-sS", "--max-time", "20", *words, url])


def _ask(context: Context) -> CheckOutcome:
    lab, leader = context.lab, leader_node(context)
    limans, haproxy = lab.nodes_with("liman"), lab.nodes_with("haproxy")[0]
    # Asked from a Liman's node, so that the way to HAProxy leads over the network.
    outside, web = limans[:1], f"http://{haproxy.address}:{haproxy.settings['haproxy']['web_port']}/notes"
    name, text = str(uuid.uuid4()), f"labgen verify {secrets.token_hex(8)}"
    asked: list[Answers] = []
    faults: list[str] = []

    def ask(nodes: Sequence[Node], command: str | Callable[[Node], str], note: str = "", way: str = "") -> bool:
        asked.append(context.each(nodes, command))
        replies = asked[-1].read(parse_reply).values()
        for reply in replies:
            faults.extend(judge_reply(reply, leader, note, way))
        return any(not reply.error for reply in replies)

    def own(path: str) -> Callable[[Node], str]:
        return lambda node: _curl(f"http://{node.address}:{node.settings['liman']['port']}/{path}")

    through = f"through {haproxy.name} "
    ask(limans, own("health"))
    if ask(outside, _curl(web, "--data", json.dumps({"id": name, "text": text})), text, through):
        ask(outside, _curl(f"{web}/{name}"), text, through)
        ask(limans, own(f"notes/{name}"), text)
        ask(outside, _curl(f"{web}/{name}", "--request", "DELETE"), text, through)
    fine = (
        f"a note written through {haproxy.name} is read there and by {listed(node.name for node in limans)}, "
        f"who reach the leader {leader.name}"
    )
    return Answers().joined(*asked).add(CheckOutcome.of(fine, faults=faults))


WEB = Check("liman-web", "A note goes through HAProxy to a Liman and into the database, and all of them read it", _ask)
