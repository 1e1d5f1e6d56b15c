"""`labgen logs`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from labgen.cli.console import err, out
from labgen.cli.options import Lab, complete_nodes


def command(
    lab: Lab,
    node: Annotated[
        str | None,
        typer.Argument(
            metavar="[NODE]",
            help="One of its nodes, or leader, vip-holder …",
            autocompletion=complete_nodes,
            show_default=False,
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", "-u", help="Only this systemd unit. May be repeated.", show_default=False),
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing new lines.")] = False,
    step: Annotated[
        str | None,
        typer.Option(
            metavar="COMPONENT-STAGE", help="The log of a step on NODE, such as patroni-start.", show_default=False
        ),
    ] = None,
) -> None:
    """Show a node's journal, a step's log, or (without NODE) which logs there are."""
    from labgen.actions.session.connect import ssh_words
    from labgen.actions.session.meant import node_meant
    from labgen.actions.session.open import existing_lab
    from labgen.errors import UnknownNameError, UsageError
    from labgen.wording import harmless

    opened = existing_lab(lab)
    logs = opened.folder.logs
    if node is None and (step or unit or follow):
        nodes = ", ".join(it.name for it in opened.lab.nodes)
        raise UsageError("NODE is missing: whose log is it?", where=f"labgen logs {lab}", cure=f"there is: {nodes}")
    if node is None:
        files = sorted(path for path in logs.rglob("*.log"))
        if not files:
            err.print(f"{lab} has no logs yet")
        for path in files:
            out.print(str(path), markup=False)
        return
    node = node_meant(opened, node)
    if step is not None:
        paths = {path.stem.removeprefix(f"{node}-"): path for path in (logs / "steps").glob(f"{node}-*.log")}
        if step not in paths:
            raise UnknownNameError("step log", step, paths, where=node)
        text = paths[step].read_text(encoding="utf-8", errors="replace")
        sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
        return
    if any(not name.replace("@", "").replace(".", "").replace("-", "").isalnum() for name in unit or ()):
        raise UsageError("a unit's name is made of letters, digits, dots, dashes and @", where="--unit")
    # journalctl itself says of a unit that there is not, that it has no entries.
    there = "".join(
        f"systemctl cat -- {name} >/dev/null 2>&1 || {{ echo 'error: no unit is called {name} on {node}; there is:' "
        "$(systemctl list-units --type=service --plain --no-legend | awk '!/^(systemd-|sshd@)/ {print $1}') >&2; "
        "exit 2; }; "
        for name in unit or ()
    )
    words = ["sudo", "-n", "journalctl", "--no-pager", f"--lines={lines}"]
    words += [f"--unit={name}" for name in unit or ()]
    words += ["--follow"] if follow else []
    ssh = ssh_words(opened, node)
    os.execvp(ssh[0], [*ssh, there + " ".join(words)])
