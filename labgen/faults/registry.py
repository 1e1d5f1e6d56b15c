"""Finds faults: labgen's own and those of others, who add theirs to the entry-point group `labgen.faults`."""

from __future__ import annotations

from labgen.faults.model import Fault
from labgen.plugins import FAULTS, load_plugin, plugins_that_load


def find_fault(name: str) -> Fault:
    """The fault NAME; raises UnknownNameError, PluginError."""
    return load_plugin(FAULTS, name, Fault)


def all_faults() -> tuple[Fault, ...]:
    """Every registered fault that is in order, by name."""
    return tuple(plugins_that_load(FAULTS, Fault))
