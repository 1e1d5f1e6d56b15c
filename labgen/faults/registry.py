"""Finds faults: labgen's own and those of others, who add theirs to the entry-point group `labgen.faults`."""

from __future__ import annotations

from importlib.metadata import entry_points

from labgen.errors import UnknownNameError, UsageError
from labgen.faults.model import Fault
from labgen.plugins import entry_point_names

GROUP = "labgen.faults"


def find_fault(name: str) -> Fault:
    """The fault NAME; raises UnknownNameError, or UsageError if what is registered under it is none."""
    if name not in entry_point_names(GROUP):
        raise UnknownNameError("fault", name, entry_point_names(GROUP))
    point = next(point for point in entry_points(group=GROUP) if point.name == name)
    package = point.dist.name if point.dist else point.value
    cure = f"mend or uninstall {package}"
    try:
        fault = point.load()
    except Exception as error:  # whatever somebody else's package does when it is imported
        raise UsageError(f"the fault '{name}' of {package} cannot be loaded: {error}", cure=cure) from None
    if not isinstance(fault, Fault):
        raise UsageError(f"{point.value} is no labgen.faults.model.Fault", cure=cure)
    return fault


def all_faults() -> tuple[Fault, ...]:
    """Every registered fault, by name."""
    return tuple(find_fault(name) for name in entry_point_names(GROUP))
