"""`labgen reinit`."""

from __future__ import annotations

from labgen.cli.console import err, out, print_json
from labgen.cli.members import members_json, members_table
from labgen.cli.options import Json, Lab, Node


def command(lab: Lab, node: Node, json: Json = False) -> None:
    """Throw away the data of a broken replica and copy it anew from the leader; waits until it streams again."""
    from labgen.actions.cluster.reinit import reinit

    with err.status(f"Reinitialising {node}") as status:
        done = reinit(lab, node, status.update)
    if json:
        print_json(
            {
                "lab": lab,
                "node": done.node,
                "leader": done.leader,
                "seconds": round(done.seconds, 1),
                "after": members_json(done.after),
            }
        )
        return
    out.print(members_table(done.after, "after"))
    out.print(
        f"\n[bold]{done.node}[/] streams from {done.leader} again, {done.seconds:.1f} s after the command was given."
    )
