"""How a lab that was made from a bundle differs from the one that was bundled: packages, and what the checks say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST = 8
"""Differences of one node that are told."""


@dataclass(frozen=True)
class CheckPair:
    """A check in both labs; empty where it was not run."""

    name: str
    then: str
    now: str

    @property
    def same(self) -> bool:
        return self.then == self.now


def check_pairs(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[CheckPair, ...]:
    """The checks of both, in the order of the lab that runs NOW."""
    return tuple(CheckPair(name, then.get(name, ""), now.get(name, "")) for name in {**now, **then})


def package_differences(then: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]) -> list[str]:
    """What is installed otherwise NOW than THEN (node → `NAME VERSION ARCHITECTURE`), a line each.

    Nodes of which only one of them knows something are not compared.
    """
    lines = []
    for node, packages in now.items():
        if node not in then:
            continue
        was, is_ = _versions(then[node]), _versions(packages)
        found = [
            f"{name} {is_.get(name, 'is not there')}, {was.get(name, 'was not there')} in the bundle"
            for name in sorted(was.keys() | is_.keys())
            if was.get(name) != is_.get(name)
        ]
        lines += [f"{node}: {line}" for line in found[:MOST]]
        lines += [f"{node}: and {len(found) - MOST} more"] if len(found) > MOST else []
    return lines


def _versions(packages: Sequence[str]) -> dict[str, str]:
    return {f"{name}:{architecture}": version for name, version, architecture in (line.split() for line in packages)}
