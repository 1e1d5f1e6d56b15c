"""A lab as the documents make it: node by node, each installs everything for itself, then the services are started.

What a node runs are labgen's own scripts, from a folder that `labgen render --no-bake` wrote; services are started side
by side as the plan allows, which is kinder than the documents are.
"""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

from benchmarks.common import remove, undisturbed, vagrant
from benchmarks.floor import OPTIONS, READY, cidr_of, docker, nodes_of
from labgen.actions.open import OpenLab
from labgen.plan import StepId, build_plan

PREFIX, NETWORK = "labgen-document-", "labgen-document"
RUN = ("bash", "/opt/labgen/components/lib/run.sh")
LONGEST = 3600  # seconds for one step


class Document(ABC):
    """One lab, from the folder RENDERED."""

    def __init__(self, opened: OpenLab, rendered: Path) -> None:
        self.lab = opened.lab
        self.rendered = rendered
        self.plan = build_plan(self.lab)

    def up(self) -> None:
        """From nothing until every service is ready."""
        for node in self.lab.nodes:
            self._make(node.name)
            for step in self.plan.of_stage("install", "configure"):
                if step.id.node == node.name:
                    self._run(step.id)
        self._start()

    @abstractmethod
    def down(self) -> None:
        """Remove everything; nothing may be there."""

    def artefacts(self, name: str) -> list[str]:
        """The names of the artefacts that the node NAME installs."""
        names = self.lab.artefact_names
        return [artefact for component in self.lab.node(name).components for artefact in names[component]]

    def artefact_bytes(self) -> int:
        """Bytes of the artefacts, once for each node that they are installed on."""
        return sum(
            (self.rendered / "artefacts" / artefact).stat().st_size
            for node in self.lab.nodes
            for artefact in self.artefacts(node.name)
        )

    @abstractmethod
    def _make(self, name: str) -> None:
        """The node NAME with the base system, running, and its scripts and files on it."""

    @abstractmethod
    def _run(self, step: StepId) -> None:
        """Run STEP on its node; raises SystemExit with its last words."""

    def _start(self) -> None:
        """The steps with which services start and are ready, in the plan's order, all at once that may be."""
        steps = self.plan.of_stage("start", "ready")
        wanted = {step.id for step in steps}
        order = TopologicalSorter({step.id: step.after & wanted for step in steps})
        order.prepare()
        with ThreadPoolExecutor(len(wanted)) as pool:
            running = {}
            while order.is_active():
                for step in order.get_ready():
                    running[step] = pool.submit(self._run, step)
                step = wait_for_one(running)
                del running[step]
                order.done(step)


class InContainers(Document):
    """Nodes are containers of the image BASE."""

    def __init__(self, opened: OpenLab, rendered: Path, base: str) -> None:
        super().__init__(opened, rendered)
        self.base = base
        text = (rendered / "Vagrantfile").read_text()
        self.addresses, _ = nodes_of(text)
        self.subnet = cidr_of(text)

    def up(self) -> None:
        docker("network", "create", "--subnet", self.subnet, NETWORK)
        super().up()

    def down(self) -> None:
        containers = (PREFIX + name for name in self.addresses)
        remove(("docker", "rm", "-fv", *containers), ("docker", "network", "rm", NETWORK))

    def _make(self, name: str) -> None:
        container = PREFIX + name
        docker(
            *("run", "--detach", "--name", container, "--hostname", name),
            *("--network", NETWORK, "--ip", self.addresses[name]),
            *OPTIONS,
            self.base,
        )
        docker("exec", "-i", container, "timeout", "120", "bash", "-e", given=READY.encode())
        docker("exec", container, "mkdir", "-p", "-m", "0700", "/opt/labgen")
        for folder in ("components", "artefacts"):
            if (self.rendered / folder).is_dir():
                docker("cp", str(self.rendered / folder), f"{container}:/opt/labgen/{folder}")
        docker("cp", str(self.rendered / "nodes" / name), f"{container}:/opt/labgen/node")

    def _run(self, step: StepId) -> None:
        docker("exec", PREFIX + step.node, *RUN, step.component, step.stage)


class InMachines(Document):
    """Nodes are virtual machines that Vagrant makes from the folder's own Vagrantfile, one after the other."""

    @property
    def _ssh_config(self) -> Path:
        return self.rendered / "ssh-config"

    def down(self) -> None:
        # One after the other: the plugin has a race there.
        with undisturbed():
            vagrant(self.rendered, "destroy", "--force")
        self._ssh_config.unlink(missing_ok=True)

    def _make(self, name: str) -> None:
        vagrant(self.rendered, "up", name, "--no-provision", "--provider=libvirt")
        with self._ssh_config.open("a", encoding="utf-8") as config:
            config.write(vagrant(self.rendered, "ssh-config", name))
        components = [f"components/{it}" for it in ("lib", *self.lab.node(name).components)]
        artefacts = [f"artefacts/{it}" for it in self.artefacts(name)]
        packed = subprocess.run(
            [
                *("tar", "-c", "--dereference", "--owner=0", "--group=0", f"--transform=s,^nodes/{name},node,"),
                *(*components, *artefacts, f"nodes/{name}"),
            ],
            cwd=self.rendered,
            capture_output=True,
            check=True,
        ).stdout
        unpack = "install -d -m 0700 /opt/labgen && tar -x --no-same-permissions -C /opt/labgen -f -"
        self._on(name, "bash", "-c", f"'{unpack}'", given=packed)

    def _run(self, step: StepId) -> None:
        self._on(step.node, *RUN, step.component, step.stage)

    def _on(self, node: str, *words: str, given: bytes = b"") -> None:
        """WORDS as root on NODE."""
        done = subprocess.run(
            ["ssh", "-F", self._ssh_config, "-o", "LogLevel=ERROR", node, "sudo", *words],
            input=given,
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise SystemExit(f"{' '.join(words)} on {node} ended with {done.returncode}\n{said[-2000:]}")


def wait_for_one(running: Mapping[StepId, Future[None]]) -> StepId:
    """A step that has ended; raises what it raised."""
    ended = next(iter(wait(running.values(), return_when=FIRST_COMPLETED).done))
    ended.result()
    return next(step for step, future in running.items() if future is ended)
