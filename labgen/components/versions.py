"""Versions of programs, in the order that Python's packages have: 3.0.10 comes after 3.0.9, and 2.0 is 2.0.0."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable

from packaging.version import Version


def is_below(version: str, other: str) -> bool:
    """Whether VERSION is older than OTHER; raises ValueError for what is no version."""
    return Version(version) < Version(other)


def is_same(version: str, other: str) -> bool:
    """Whether both mean one version; raises ValueError for what is no version."""
    return Version(version) == Version(other)


def is_package_version(text: str) -> bool:
    """Whether TEXT is the version of a Debian package, with a revision at its end: `1:2.6.12-1+deb12u2`."""
    return bool(re.fullmatch(r"([0-9]+:)?[0-9][0-9A-Za-z.+~-]*-[0-9A-Za-z.+~]+", text, re.ASCII))


def program_version(package_version: str) -> str:
    """The version of the program in a Debian package of PACKAGE_VERSION: `2.6.12`."""
    upstream = package_version.rpartition(":")[2].rpartition("-")[0]
    found = re.match(r"[0-9]+(\.[0-9]+)*", upstream)
    return found[0] if found else upstream


def is_of_series(package_version: str, own: str) -> bool:
    """Whether a Debian package of PACKAGE_VERSION may be in a release that has OWN of the program.

    A stable release mends OWN, and stays with its first two numbers, or with the one that stands there.
    """
    series = own.split(".")[:2]
    return program_version(package_version).split(".")[: len(series)] == series


def nearest(version: str, offered: Iterable[str], count: int = 3) -> list[str]:
    """Of the releases in OFFERED the COUNT next to VERSION on either side, oldest first; for no release the newest."""
    known = sorted(filter(is_release, offered), key=Version)
    at = bisect(known, Version(version), key=Version) if is_release(version) else len(known)
    return known[max(at - count, 0) : at + count]


def is_release(text: str) -> bool:
    """Whether TEXT is the number of a release, as `3.0.4` or `2.0`."""
    return bool(re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}){1,3}", text, re.ASCII))
