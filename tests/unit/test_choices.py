"""Versions that do not go together: all links of the chain at once, and the nearest choice that works."""

from __future__ import annotations

import pytest

from labgen.blueprint.files import find_blueprint
from labgen.blueprint.loader import LoadedBlueprint, load_blueprint
from labgen.errors import UsageError
from labgen.lab.model import Lab
from labgen.lab.resolve import resolve


@pytest.fixture(scope="module")
def blueprint() -> LoadedBlueprint:
    return load_blueprint(find_blueprint("etcd-haproxy-keepalived"))


def lab(blueprint: LoadedBlueprint, *words: str) -> Lab:
    return resolve(blueprint, provider="docker", overrides=words)


def refused(blueprint: LoadedBlueprint, *words: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        lab(blueprint, *words)
    return caught.value


@pytest.mark.parametrize(
    ("words", "os"),
    [
        (["versions.postgresql=15"], "debian-12"),
        (["versions.patroni=2.0.2"], "debian-11"),
        (["os=debian-11", "versions.postgresql=17", "versions.patroni=4.0.4"], "debian-13"),
        (["os=debian-12", "versions.postgresql=19"], "debian-14"),
        (["os=debian-12", "versions.etcd=3.5"], "debian-14"),
    ],
)
def test_another_system_that_has_it_all(blueprint: LoadedBlueprint, words: list[str], os: str) -> None:
    cure = refused(blueprint, *words).cure or ""
    assert cure.splitlines()[0].endswith(f" has all of that: --set os={os}")
    assert lab(blueprint, *[word for word in words if not word.startswith("os=")], f"os={os}").os == os


def test_no_system_has_it_all(blueprint: LoadedBlueprint) -> None:
    """Each says what is in its way, and one version given up makes the rest go."""
    error = refused(blueprint, "versions.postgresql=17", "versions.patroni=3.0.1")
    assert "PostgreSQL 17 needs Patroni 3.3.3 or later, not 3.0.1" in error.detail[0]
    said = [line for line in error.detail if line.startswith("on ")]
    assert [line.partition(":")[0] for line in said] == ["on debian-14", "on debian-12", "on debian-11"]
    assert "postgresql comes from Debian 12 in the version 15" in said[1]
    assert error.cure == "the nearest that goes: --set os=debian-13 with its own patroni, 4.0.7"


@pytest.mark.parametrize("words", [["versions.patroni=1.6.5"], ["versions.patroni=4.0.4", "patroni.ttl=20"]])
def test_what_no_other_system_would_mend_is_said_as_it_is(blueprint: LoadedBlueprint, words: list[str]) -> None:
    error = refused(blueprint, *words)
    assert error.cure is None
    assert not any(line.startswith("on ") for line in error.detail)
