"""Docker's images: a tree as it is, imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from labgen.providers.image_maker import ImageMaker, Workbench
from labgen.render.model import ImageCommands
from labgen.system.tools import ask


class DockerImages(ImageMaker):
    """Tags of the repository `labgen`."""

    script = "docker.sh"
    commands = ImageCommands(
        needs="docker",
        have='docker image inspect "$1" > /dev/null 2>&1',
        make='image/docker.sh "$rootfs" "$name"',
    )
    tools: Mapping[str, str] = MappingProxyType({"mmdebstrap": "mmdebstrap"})

    def name(self, label: str, digest: str) -> str:
        return f"labgen/{label}:{digest}"

    def make(self, bench: Workbench, tree: Path, name: str) -> int:
        bench.run(self.script, tree, name)
        return tree.stat().st_size

    def exists(self, name: str) -> bool:
        return ask(["docker", "image", "inspect", name]).rc == 0

    def remove(self, name: str) -> None:
        ask(["docker", "image", "rm", name], timeout=120)

    def closed(self, _name: str) -> None:
        return None

    def inside(self, name: str, run: str) -> list[str]:
        mine = ["--name", run, "--label", "labgen.inside=true"]
        fenced = ["--network", "none", "--cap-add", "NET_ADMIN", "--tmpfs", "/run", "--tmpfs", "/tmp"]  # noqa: S108
        return ["docker", "run", "--rm", "--interactive", "--pull", "never", *mine, *fenced, name]

    def end(self, run: str) -> None:
        # Docker's client is gone, its container is not.
        ask(["docker", "rm", "--force", run])
