"""The ranges of the labs on this machine, and which one a new lab gets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network

from labgen.blueprint.model import Blueprint
from labgen.documents.model import read_document
from labgen.errors import LabgenError, RangeLostError
from labgen.lab.model import Lab
from labgen.providers import free_network, ranges_in_use
from labgen.state import LabFolder, all_labs


@dataclass(frozen=True)
class RangeChoice:
    """A range for a lab that cannot have its blueprint's own, and the reason in a sentence."""

    cidr: str
    why: str


def lab_range(folder: LabFolder) -> str:
    """The range of the lab in FOLDER, running or not; raises LabgenError when it is damaged."""
    record = folder.record()
    return record.network or read_document(folder.blueprint, Blueprint, kind="blueprint").value.network.cidr


def another_network(lab: Lab) -> RangeChoice | None:
    """Where LAB, a new one, goes if another lab has addresses of its range.

    None where its own range is free, and where no other is. What else on this host may hold its range does not count
    here: such a thing is the user's to decide on.
    """
    holder = _holder(lab)
    if holder is None:
        return None
    name, held = holder
    free = next_range(lab)
    return RangeChoice(free, f"{held} is the lab {name}'s: this one gets {free}") if free else None


def next_range(lab: Lab, tried: Collection[str] = ()) -> str | None:
    """A range for LAB that is not its own, nor anybody's here, nor one of TRIED; None if there is none."""
    taken = [*_others(lab).values(), *ranges_in_use(lab), *map(IPv4Network, tried)]
    free = free_network(IPv4Network(lab.network.cidr), taken)
    return None if free is None else str(free)


def refuse_taken(lab: Lab) -> None:
    """Raise RangeLostError when another lab has addresses of LAB's range."""
    if holder := _holder(lab):
        name, held = holder
        raise RangeLostError(
            f"the lab's network {lab.network.cidr} is in use here: {held} is the lab {name}'s",
            cure=f"give the lab another range: --set network.cidr={next_range(lab) or '…'}; "
            "without it labgen looks for one that is free\n"
            f"or, if the other lab is not needed: labgen destroy {name} --yes",
        )


def _holder(lab: Lab) -> tuple[str, IPv4Network] | None:
    """Another lab with addresses of LAB's range, and its range."""
    own = IPv4Network(lab.network.cidr)
    return next(((name, held) for name, held in _others(lab).items() if held.overlaps(own)), None)


def _others(lab: Lab) -> dict[str, IPv4Network]:
    """Lab → range of every lab on this machine but LAB; one that is damaged has none that can be told."""
    ranges = {}
    for folder in all_labs():
        if folder.name != lab.name:
            try:
                ranges[folder.name] = IPv4Network(lab_range(folder))
            except (LabgenError, ValueError):
                continue
    return ranges
