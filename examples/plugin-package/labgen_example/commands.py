"""A command: `labgen vip LAB`. What it needs of labgen it imports when it runs, so that `labgen --help` stays quick."""

import typer


def vip(lab: str = typer.Argument(metavar="LAB", help="A lab that is up.", show_default=False)) -> None:
    """Say which node has the lab's address."""
    from labgen.actions.session.connect import endpoints
    from labgen.actions.session.open import existing_lab
    from labgen.errors import OperationError
    from labgen.provision import Connections
    from labgen_example.checks import COMPONENT, holders

    opened = existing_lab(lab)
    nodes = opened.lab.nodes_with(COMPONENT)
    if not nodes:
        raise OperationError(f"the lab {lab} has no {COMPONENT}", cure="labgen up etcd-vip-manager makes one that has")
    address = nodes[0].settings[COMPONENT]["address"]
    with Connections(endpoints(opened), opened.folder.known_hosts) as connections:
        shown = {node.name: connections[node.name].run("ip -brief -4 address show").stdout for node in nodes}
    typer.echo(f"{address} is on {', '.join(holders(shown, address)) or 'no node'}")
