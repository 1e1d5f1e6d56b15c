"""Provision: the steps that are not done yet, over SSH, on each node as soon as it answers, on all at the same time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from labgen.actions.phases.base import Rendering, UpRequest
from labgen.actions.phases.boot import BootUnderWay
from labgen.errors import LabgenError, NodeError
from labgen.plan.model import StepId
from labgen.provision import (
    Connections,
    Journal,
    NodeReadiness,
    pending_steps,
    run_plan,
    send_artefacts,
    send_folder,
    step_digests,
)
from labgen.redact import Redactor


@dataclass(frozen=True)
class Provision:
    """boot: what is still under way, if anything was booted. CONNECTIONS are given the nodes as they come up."""

    name: ClassVar[str] = "provision"
    title: ClassVar[str] = "Provision"

    request: UpRequest
    rendering: Rendering
    boot: BootUnderWay | None
    connections: Connections

    def run(self) -> None:
        self._reach()
        try:
            self._run_steps()
        except LabgenError:
            if self.boot is not None:
                # Not cut off, though it is of no use any more: the machines that it is making would be lost.
                self.boot.booting.wait()
            raise
        if self.boot is not None:
            self.boot.booting.wait()
            self.boot.booting.check()
            self._reach()

    def _reach(self) -> None:
        self.connections.add(self.request.machines.endpoints(self.request.folder.key))

    def _run_steps(self) -> None:
        request, wanted = self.request, self.request.wanted
        digests = step_digests(wanted, request.folder.rendered, request.lab.artefact_names)
        journal = Journal(request.folder.journal)
        try:
            self._take_baked_for_done(digests, journal)
            if pending := pending_steps(wanted, digests, journal):
                request.reporter.steps(len(pending))
                run_plan(
                    wanted,
                    self.connections,
                    digests,
                    journal,
                    request.folder.logs,
                    observer=request.reporter,
                    awaited=self._readiness(pending),
                    lab=request.lab.name,
                    hide=Redactor(self.rendering.secrets),
                )
        finally:
            journal.close()

    def _take_baked_for_done(self, digests: Mapping[StepId, str], journal: Journal) -> None:
        """The image that a new machine was made from holds its install steps."""
        if self.boot is None or not self.rendering.baked:
            return
        for step in self.request.wanted.of_stage("install"):
            if step.id.node in self.boot.new and not self.request.lab.components[step.id.component].own:
                journal.done(step.id, digests[step.id])

    def _readiness(self, pending: tuple[StepId, ...]) -> NodeReadiness:
        """Every node with a step to run, taken in when it answers: it gets its files; artefacts where it installs."""
        folder = self.request.folder.rendered
        artefacts = self._artefacts(pending)

        def take_in(node: str) -> None:
            send_folder(self.connections[node], folder, node)
            if artefacts[node]:
                send_artefacts(self.connections[node], artefacts[node])

        return NodeReadiness(artefacts, self._find, take_in)

    def _artefacts(self, pending: tuple[StepId, ...]) -> dict[str, list[Path]]:
        """Node with PENDING steps → the artefacts that it needs for them."""
        names, folder = self.request.lab.artefact_names, self.request.folder.rendered / "artefacts"
        return {
            node: [
                folder / name
                for component in {step.component for step in pending if step.node == node and step.stage == "install"}
                for name in names[component]
            ]
            for node in {step.node for step in pending}
        }

    def _find(self, nodes: Collection[str]) -> Collection[str]:
        """Those of NODES that run by now; from then on there are connections to them."""
        if self.boot is None:
            return nodes
        self.boot.booting.check()
        over, booted = self.boot.booting.over, self.boot.nodes
        found = tuple(node for node in nodes if node not in booted)
        found += self.request.machines.running(tuple(node for node in nodes if node in booted))
        if over and (lost := set(nodes) - set(found)):
            raise NodeError(
                f"Vagrant has booted {', '.join(sorted(lost))}, but it does not run",
                where=self.request.folder.logs,
                cure=f"look into Vagrant's log, then repeat: labgen up {self.request.lab.name}",
            )
        if found:
            self._reach()
        return found
