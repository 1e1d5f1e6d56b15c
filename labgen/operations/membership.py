"""A member that has left: the cluster and its DCS forget it."""

from __future__ import annotations

from collections.abc import Callable

from labgen.operations.choice import leader_of
from labgen.operations.patroni import Patroni, until

TIMEOUT = 120.0
"""Seconds beyond ttl."""
KEEPS_SLOTS = 4
"""From this version on a leader keeps the slot of a member that went away, by default for half an hour."""
RETENTION = "member_slots_ttl"


def forget_member(patroni: Patroni, name: str, progress: Callable[[str], None]) -> None:
    """Wait until the member NAME, which has stopped, is out of the DCS and its replication slot dropped."""
    lab, config = patroni.lab.name, patroni.config()
    progress(f"the DCS forgets {name}, at the latest after ttl, {config.get('ttl', 30)} seconds")

    def gone() -> bool:
        return name not in patroni.view().members

    until(f"cluster without the member {name}", float(config.get("ttl", 30)) + TIMEOUT, gone, lab=lab)
    leader, slot = leader_of(patroni.view(), lab).name, slot_name(patroni.member(name))
    if slot not in patroni.slots(leader):
        return
    progress(f"{leader} drops the slot of {name}")
    keeps = version(patroni, leader) >= KEEPS_SLOTS
    retention = config.get(RETENTION)

    def dropped() -> bool:
        # Even if it changes nothing it makes the leader begin its next round, in which it looks after its slots.
        patroni.patch(leader, {RETENTION: 0} if keeps else {"ttl": config.get("ttl")})
        return slot not in patroni.slots(leader)

    try:
        until(f"end of the replication slot {slot} on {leader}", TIMEOUT, dropped, lab=lab)
    finally:
        if keeps:
            patroni.patch(leader, {RETENTION: retention})


def slot_name(member: str) -> str:
    """The name of the slot that a leader keeps for MEMBER, as Patroni makes it of letters, digits, dashes and dots."""
    return member.lower().replace("-", "_").replace(".", "_")


def version(patroni: Patroni, name: str) -> int:
    """The first number of Patroni's version on the node NAME."""
    told = str((patroni.status(name).get("patroni") or {}).get("version", "0"))
    return int(told.partition(".")[0])
