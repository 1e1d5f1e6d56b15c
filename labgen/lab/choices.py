"""Versions that do not go together: what is in the way on each operating system, and the nearest choice that works."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from labgen.errors import UsageError
from labgen.lab.model import Lab
from labgen.systems import systems

Attempt = Callable[[str, Mapping[str, str]], Lab]
"""The lab on an operating system, with versions (component → version); raises UsageError."""


def explained(error: UsageError, os: str, asked: Mapping[str, str], attempt: Attempt) -> UsageError:
    """ERROR, which the versions ASKED for (component → version) gave on OS, with all links of the chain in it.

    It is left as it is where it came without the versions too, or would come on every other operating system.
    """
    if _reason(attempt, os, {}):
        return error
    others = _nearest(os)
    reasons = {name: _reason(attempt, name, asked) for name in others}
    if set(reasons.values()) == {_said(error)}:
        return error
    if fitting := next((name for name in others if not reasons[name]), None):
        cures = [f"{systems()[fitting].title} has all of that: --set os={fitting}"]
    else:
        error.detail = (*error.detail, *(f"on {name}: {reason}" for name, reason in reasons.items()))
        cures = list(_with_one_less([os, *others], asked, attempt))[:1]
    error.cure = "\n".join(filter(None, (*cures, error.cure))) or None
    return error


def _nearest(os: str) -> list[str]:
    """All operating systems but OS, the nearest first, the newer of two before the older."""
    names = list(systems())
    at = names.index(os)
    return sorted((name for name in names if name != os), key=lambda name: (abs(names.index(name) - at), name < os))


def _reason(attempt: Attempt, os: str, asked: Mapping[str, str]) -> str:
    """What is in the way of ASKED on OS; nothing if all goes together there."""
    try:
        attempt(os, asked)
    except UsageError as error:
        return _said(error)
    return ""


def _said(error: UsageError) -> str:
    return "; ".join(error.detail) or error.what


def _with_one_less(names: Collection[str], asked: Mapping[str, str], attempt: Attempt) -> Iterator[str]:
    """The choices that work where one of the versions ASKED for is given up, and not all."""
    for name in names if len(asked) > 1 else ():
        for component in asked:
            fewer = {other: version for other, version in asked.items() if other != component}
            try:
                lab = attempt(name, fewer)
            except UsageError:
                continue
            os = f"--set os={name}"
            yield f"the nearest that goes: {os} with its own {component}, {lab.versions[component]}"
