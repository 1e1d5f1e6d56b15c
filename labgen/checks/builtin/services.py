"""systemd: has every node finished booting, and has no unit failed or fallen into a restart loop?"""

from __future__ import annotations

from labgen.checks.context import Check, Context, Unknown
from labgen.checks.model import CheckOutcome
from labgen.checks.wording import count

# is-system-running exits 1 for `degraded` and `starting`; the word is the answer, not the exit status. A unit that
# crashes at once is `auto-restart` for most of the time, but not always, so the counted restarts are asked for as well:
# `restarted UNIT HOW-OFTEN SECONDS-AGO`.
COMMAND = (
    "systemctl is-system-running; "
    "systemctl list-units --all --plain --no-legend --no-pager --full --state=failed,auto-restart; "
    "systemctl show --property=Id,NRestarts,ExecMainStartTimestampMonotonic '*.service' | "
    "awk -F= -v now=\"$(cut -d' ' -f1 /proc/uptime)\" "
    '\'function tell() { if (v["NRestarts"] > 0) printf "restarted %s %d %d\\n", v["Id"], v["NRestarts"], '
    'now - v["ExecMainStartTimestampMonotonic"] / 1000000; delete v } '
    "NF { v[$1] = $2 } !NF { tell() } END { tell() }'"
)
OFTEN, LATELY = 3, 10
"""A unit that was restarted this often, the last time less than so many seconds ago, is in a loop."""
STATES = ("initializing", "starting", "running", "degraded", "maintenance", "stopping")

Units = tuple[tuple[str, str], ...]
"""(unit, what is the matter with it)."""


def parse_services(text: str) -> tuple[str, Units]:
    """The system's state, and each unit that is not well."""
    state, *rows = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    if state not in STATES:
        raise Unknown(f"systemctl says {text.strip()[:80]!r}")
    units = {}
    for row in rows:
        words = row.lstrip("●* ").split()
        if words[:1] == ["restarted"] and len(words) == 4:
            if int(words[2]) >= OFTEN and int(words[3]) < LATELY:
                units[words[1]] = "restarts again and again"
        elif len(words) >= 4:  # UNIT LOAD ACTIVE SUB DESCRIPTION
            units[words[0]] = "restarts again and again" if words[3] == "auto-restart" else f"has {words[2]}"
    return state, tuple(units.items())


def judge_services(node: str, state: str, units: Units) -> list[str]:
    """What is wrong on NODE."""
    if units:
        return [f"{node}: {unit} {matter}" for unit, matter in units]
    # `degraded` without a unit to show for it: it recovered between the two questions.
    return [] if state in ("running", "degraded") else [f"{node}: the system is {state}"]


def _ask(context: Context) -> CheckOutcome:
    answers = context.each(context.lab.nodes, COMMAND)
    seen = answers.read(parse_services)
    faults = [fault for node, (state, units) in seen.items() for fault in judge_services(node, state, units)]
    return answers.add(CheckOutcome.of(f"no failed unit on {count(len(seen), 'node')}", faults=faults))


CHECK = Check("services", "Every systemd unit is well", _ask)
