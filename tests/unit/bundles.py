"""Bundles for the tests, made without a lab."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labgen.bundle.pack import pack
from labgen.lock.model import Lock, LockedArtefact, LockedLab, LockedPackage, SystemLock, lock_bytes
from labgen.redact import Redactor
from labgen.state import LabRecord

OS = "debian-13"
BLUEPRINT = """\
name: small
title: A small lab
network: {cidr: 192.168.61.0/24}
nodes:
  - {name: dcs, address: 192.168.61.10, components: [etcd]}
  - {name: one, address: 192.168.61.11, components: [postgresql, patroni]}
profiles:
  modern: {default: true, os: debian-13, summary: Debian 13}
"""
RECORD = LabRecord(name="small", blueprint="blueprint.yml", profile="modern", provider="docker")
LOCK = Lock(
    labgen="0.1.0",
    labs=(LockedLab(blueprint="small", profile="modern", provider="docker", os=OS),),
    systems={
        OS: SystemLock(
            packages=(LockedPackage(name="alpha", version="1", architecture="all", size=5, sha256="0" * 64),)
        )
    },
)
ABOUT: dict[str, Any] = {
    "labgen": "0.1.0",
    "made": "2026-11-25T12:00:00+00:00",
    "lab": {
        "name": "small",
        "blueprint": "small",
        "title": "A small lab",
        "profile": "modern",
        "provider": "docker",
        "os": OS,
        "network": "192.168.61.0/24",
        "nodes": {"dcs": ["etcd"], "one": ["postgresql", "patroni"]},
        "versions": {"etcd": "3.5.16", "patroni": "4.0.7", "postgresql": "17"},
        "packages": 1,
    },
    "silent": {},
    "notes": [],
    "checks": {"services": "pass", "patroni-cluster": "fail"},
}

REPRODUCTION = """\
name: shown
title: Patroni says nothing
report: patroni/patroni#1
fixed: Patroni 5
about: It should say something.
lab: labs/small.yml
overrides:
  settings: {patroni: {ttl: 40}}
  files: [{path: /usr/local/bin/say, mode: "0755", content: "echo hello"}]
  steps: [{name: say, after: start, run: say}]
actions:
  - run: {on: one, command: say}
  - wait: {until: {http: {on: one, path: /primary, status: 200}}}
seen:
  - output: {on: one, command: say, lacks: hello}
otherwise:
  - output: {on: one, command: say, matches: hello}
"""
SHOWN: dict[str, str | None] = {
    "overrides/1/shown.yml": REPRODUCTION,
    "overrides/1/labs/small.yml": BLUEPRINT,
    "lab.json": json.dumps(asdict(RECORD) | {"files": ["1/shown.yml"]}),
}
"""The members of a bundle whose lab was made by a reproduction."""
SHOWS = {
    "name": "shown",
    "title": "Patroni says nothing",
    "member": "overrides/1/shown.yml",
    "verdict": "reproduced",
    "tries": {"reproduced": 2, "not-reproduced": 1},
}


def lock_for(**change: Any) -> str:
    """A lock for the small lab, with a CHANGE."""
    return lock_bytes(LOCK.model_copy(update=change)).decode()


def other_artefact() -> str:
    return lock_for(artefacts=(LockedArtefact(name="consul", version="1", identity="0" * 12, sha256="0" * 64),))


def record(**change: Any) -> str:
    """The record of the small lab, with a CHANGE."""
    return json.dumps(asdict(RECORD) | change)


def write_bundle(
    target: Path, texts: Mapping[str, str | None] | None = None, about: Mapping[str, Any] | None = None
) -> Path:
    """A bundle of the small lab at TARGET; TEXTS are further members, or others, or none in the place of one."""
    members = {"blueprint.yml": BLUEPRINT, "lab.json": record(), "labgen.lock": lock_for(), **(texts or {})}
    given = {name: text for name, text in members.items() if text is not None}
    pack(target, given, {**ABOUT, **(about or {})}, Redactor({}, unknown=True), lambda _: None)
    return target
