"""A check that no command on a single node could be: it puts the nodes' answers together."""

from labgen.checks import Check, CheckOutcome, Context

COMPONENT = "vip-manager"


def holders(addresses: dict[str, str], address: str) -> list[str]:
    """The nodes that have ADDRESS. addresses: node → the output of `ip -brief -4 address show`."""
    return [node for node, text in addresses.items() if any(word.split("/")[0] == address for word in text.split())]


def judge(context: Context) -> CheckOutcome:
    nodes = context.lab.nodes_with(COMPONENT)
    address = nodes[0].settings[COMPONENT]["address"]
    answers = context.each(nodes, "ip -brief -4 address show")
    found = holders(answers.outputs, address)
    if len(found) == 1:
        return answers.add(CheckOutcome.passed(f"{address} is on {found[0]}"))
    return answers.add(CheckOutcome.failed(f"{address} is on {', '.join(found) or 'no node'}"))


ONE_HOLDER = Check("vip-one-holder", "The address is on one node", judge)
