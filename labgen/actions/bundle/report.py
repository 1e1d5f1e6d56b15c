"""What a bundle's issue.md is made of: the members that are about the cluster, and the checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from labgen.actions.bundle.repro import BundledRepro, how_to_reproduce, what_happened, what_was_expected
from labgen.bundle.collect import Collected
from labgen.bundle.issue import IssueReport
from labgen.bundle.timeline import Timeline
from labgen.checks import CheckReport, Status
from labgen.lab.model import Lab


def report_of(
    lab: Lab,
    name: str,
    texts: Mapping[str, str],
    timeline: Timeline,
    found: Mapping[str, Collected],
    report: CheckReport | None,
    shown: BundledRepro | None,
) -> IssueReport:
    """The parts of the bug report NAME's bundle goes with; SHOWN is its reproduction."""
    members = [node.name for node in lab.nodes_with("patroni")]
    config = next((text for node in members if (text := texts.get(f"nodes/{node}/patroni/patroni-config.yml"))), "")
    others = [
        f"lab: {lab.blueprint.title} (blueprint {lab.blueprint.name}, {lab.profile}), {lab.os} on {lab.provider}",
        *(f"{node.name} {node.address}: {', '.join(node.components)}" for node in lab.nodes),
    ]
    if lab.overrides:
        others.append("set otherwise than in the blueprint: " + ", ".join(f"`{word}`" for word in lab.overrides))
    others += [f"{node} gave no answer when this was collected: {why}" for node, why in timeline.silent.items()]
    if timeline.clocks:
        others.append(f"the nodes' clocks were compared: what is {timeline.doubt * 1000:.1f} ms apart is in order")
    if report is not None:
        others.append(f"labgen's own checks of the lab: {report.summary}")
        bad = [result for result in report.results if result.status is not Status.PASS]
        others += [f"check {result.name} ({result.status.value}): {result.detail}" for result in bad]
    return IssueReport(
        bundle=name,
        entries=timeline.entries,
        seen=what_happened(shown) if shown else "",
        reproduce=how_to_reproduce(shown) if shown else "",
        expected=what_was_expected(shown) if shown else "",
        versions=_versions(lab, texts, found),
        config=config,
        show_config=texts.get("cluster/show-config.txt", ""),
        others=others,
    )


def _versions(lab: Lab, texts: Mapping[str, str], found: Mapping[str, Collected]) -> dict[str, str]:
    """The form's three, as the nodes tell them; where none does, as the lab was made."""
    packages = {line.split()[0]: line.split()[1] for one in found.values() for line in one.packages}
    running = set()
    for node in lab.nodes_with("patroni"):
        with suppress(ValueError, KeyError, TypeError):
            running.add(str(json.loads(texts[f"cluster/{node.name}/patroni.json"])["patroni"]["version"]))
    major = lab.versions.get("postgresql", "")
    dcs = next((name for name in ("etcd", "consul") if name in lab.versions), "")
    package = packages.get("etcd-server") if dcs == "etcd" else None
    return {
        "Patroni version": ", ".join(sorted(running)) or lab.versions.get("patroni", "none"),
        "PostgreSQL version": packages.get(f"postgresql-{major}", major),
        "DCS (and its version)": f"{dcs} {package or lab.versions.get(dcs, '')}".strip() or "none",
    }
