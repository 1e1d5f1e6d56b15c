"""Which version of a lab a checkpoint is of, and how two versions differ, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labgen.lab.model import Lab
from labgen.plan.model import StepId
from labgen.plan.until import by_component

MOST_STEPS = 6
"""Lines about changed steps that a difference has; a changed library changes every one of them."""


@dataclass(frozen=True)
class LabVersion:
    """All that has to be the same for a checkpoint to be one of this lab.

    nodes: name → what it is (`address`, `components`, `memory`, `cpus`), in words. steps: `node/component/stage` →
    the digest of its script and inputs.
    """

    provider: str
    profile: str
    os: str
    network: str
    nodes: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, str]
    overrides: tuple[str, ...]
    steps: Mapping[str, str]


def version_of(lab: Lab, digests: Mapping[StepId, str]) -> LabVersion:
    """The version of LAB; DIGESTS are its steps'."""
    return LabVersion(
        provider=lab.provider,
        profile=lab.profile,
        os=lab.os,
        network=lab.network.cidr,
        nodes={
            node.name: {
                "address": node.address,
                "components": " ".join(node.components),
                "memory": f"{node.memory} MiB",
                "cpus": str(node.cpus),
            }
            for node in lab.nodes
        },
        versions=dict(lab.versions),
        overrides=lab.overrides,
        steps={str(step): digest for step, digest in digests.items()},
    )


def differences(then: LabVersion, now: LabVersion) -> list[str]:
    """How the lab differs NOW from what it was THEN, a line each; none if it is the same."""
    found = [*_plain(then, now), *_nodes(then, now)]
    # Versions and settings change steps too: those are named only where nothing else says why.
    return found or _steps(then, now)


def _plain(then: LabVersion, now: LabVersion) -> Iterator[str]:
    for what in ("provider", "profile", "os", "network"):
        was, is_ = getattr(then, what), getattr(now, what)
        if was != is_:
            yield f"{'operating system' if what == 'os' else what} {was}, now {is_}"
    for program in sorted({*then.versions, *now.versions}):
        was, is_ = then.versions.get(program), now.versions.get(program)
        if was != is_:
            yield f"{program} {was or 'was not there'}, now {is_ or 'it is gone'}"
    yield from (f"--set {word} was not there" for word in now.overrides if word not in then.overrides)
    yield from (f"--set {word} is gone" for word in then.overrides if word not in now.overrides)


def _nodes(then: LabVersion, now: LabVersion) -> Iterator[str]:
    yield from (f"node {name} was added" for name in now.nodes if name not in then.nodes)
    yield from (f"node {name} was removed" for name in then.nodes if name not in now.nodes)
    for name, was in then.nodes.items():
        is_ = now.nodes.get(name, was)
        yield from (f"{name}: {what} {was[what]}, now {is_.get(what)}" for what in was if was[what] != is_.get(what))


def _steps(then: LabVersion, now: LabVersion) -> list[str]:
    both = {*then.steps, *now.steps}
    changed = sorted(step for step in both if then.steps.get(step) != now.steps.get(step))
    lines = [f"changed: {line}" for line in by_component(_step(text) for text in changed)]
    if len(lines) > MOST_STEPS:
        return [f"{len(changed)} of {len(both)} steps have changed: scripts that all share, or labgen itself"]
    return lines


def _step(text: str) -> StepId:
    node, component, stage = text.split("/")
    return StepId(node, component, stage)
