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
from labgen.cluster.dcs import dcs_of
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
    members = [node.name for node in lab.member_nodes]
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
    for node in lab.member_nodes:
        with suppress(ValueError, KeyError, TypeError):
            running.add(str(json.loads(texts[f"cluster/{node.name}/patroni.json"])["patroni"]["version"]))
    major = lab.versions.get("postgresql", "")
    dcs = kept.component if (kept := dcs_of(lab)) else ""
    own = lab.components[dcs].manifest.packages if dcs else ()
    package = next((packages[name] for name in own if name in packages), None)
    return {
        "Patroni version": ", ".join(sorted(running)) or lab.versions.get("patroni", "none"),
        "PostgreSQL version": packages.get(f"postgresql-{major}", major),
        "DCS (and its version)": f"{dcs} {package or lab.versions.get(dcs, '')}".strip() or "none",
    }
