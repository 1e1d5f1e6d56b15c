"""Every command of labgen's own: what the list of commands says of it, and where it is.

A summary is the first sentence of the command's own help, word for word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labgen.cli.lazy import LazyGroup, Row

HERE = "labgen.cli.commands"
NUMBERS = {"ignore_unknown_options": True}  # -1, and a command's own options, are words here


def _own(name: str, summary: str, *, app: bool = False, settings: Mapping[str, Any] | None = None) -> Row:
    module = f"{HERE}.{name}_" if name in ("exec", "list") else f"{HERE}.{name}"
    return Row(name, summary, f"{module}:{'app' if app else 'command'}", settings or {})


class Commands(LazyGroup):
    """labgen's own commands; then those of other packages, which cannot take an own one's name."""

    rows = (
        # Labs
        _own("up", "Boot a lab, provision it and verify it."),
        _own("verify", "Prove that the lab works, by the commands a DBA would type."),
        _own("status", "Show the lab's machines and how far its steps have come."),
        _own("ssh", "Open a shell on a node, as the user vagrant, who may sudo."),
        _own(
            "exec",
            "Run a command on a node as root; its output, input and exit code are the command's own.",
            settings=NUMBERS,
        ),
        _own("logs", "Show a node's journal, a step's log, or (without NODE) which logs there are."),
        _own("halt", "Stop the lab's machines in an orderly way; `labgen up` starts them again."),
        _own("destroy", "Remove the lab's machines, networks, checkpoints and folder."),
        # Operations
        _own(
            "switchover",
            "Hand the lead over to another node, in order and without losing anything; "
            "waits until the old leader follows.",
        ),
        _own("maintenance", "Switch Patroni's maintenance mode on or off, and wait until every member knows."),
        _own(
            "scale", "Add Patroni nodes to a lab that runs, or remove the last ones; then verify it.", settings=NUMBERS
        ),
        _own(
            "reinit",
            "Throw away the data of a broken replica and copy it anew from the leader; waits until it streams again.",
        ),
        _own("checkpoint", "Keep a lab as it is at one moment, and bring it back to that.", app=True),
        _own("drill", "Break a lab on purpose, under load; measure, heal, judge.", app=True),
        # Bug reports
        _own("repro", "Show a bug on a lab: do what a reproduction says, and judge what is seen then.", app=True),
        _own(
            "matrix", "Play a reproduction in one lab for each combination of values, and show where the verdict flips."
        ),
        _own(
            "bundle",
            "Put a lab with all that is known of it into one file, without secrets: labgen bundle LAB -o FILE.",
            app=True,
        ),
        _own(
            "replay",
            "Make the lab of a bundle again, in the same versions, and compare it with the one that was bundled.",
        ),
        # Blueprints and files
        _own("list", "List the blueprints there are and the labs on this machine."),
        _own("show", "Show what a lab is: nodes, versions, ways in, checks, and where it departs from its document."),
        _own("graph", "Draw a lab: its nodes with their components, who talks to whom, and the ways in."),
        _own(
            "validate",
            "Check a blueprint: everything that can be known before a machine boots, in every profile or one.",
        ),
        _own("render", "Write a folder that boots and provisions the lab without labgen; prints the folder's name."),
        _own("schema", "Print the JSON Schema of a kind of document, for editors."),
        # This machine
        _own(
            "fetch",
            "Fetch all that labs need, so that they come up without a network, "
            "and write down its versions in a lock file.",
        ),
        _own("doctor", "Look at this machine: what labgen needs, what there is, how to get the rest."),
        _own("plugins", "List what other packages add to labgen, and what of that is not in order."),
        _own("image", "Build, list and remove the images that labs boot from.", app=True),
        _own("version", "Print labgen's version."),
    )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # `labgen help drill run`, as git, docker and systemctl have it.
        return super().parse_args(ctx, [*args[1:], "--help"] if args[:1] == ["help"] else args)

    def more(self) -> Iterable[Row]:
        from labgen.cli.plugged import plugin_rows

        return plugin_rows()

    @classmethod
    def every(cls) -> Iterator[Row]:
        """All rows; those of other packages are looked for only after labgen's own."""
        from labgen.cli.plugged import plugin_rows

        yield from cls.rows
        yield from plugin_rows()
