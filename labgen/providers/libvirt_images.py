"""libvirt's images: Vagrant's boxes, each a disk that boots by itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from labgen.providers.boxes import as_file_name, box_folder
from labgen.providers.image_maker import ImageMaker, Workbench
from labgen.providers.vagrant import Vagrant
from labgen.providers.virsh import virsh, words
from labgen.render.model import ImageCommands
from labgen.resources import resource


class LibvirtImages(ImageMaker):
    """Boxes for the provider `libvirt`, with a kernel and a boot loader beside what the tree has."""

    script = "libvirt.sh"
    commands = ImageCommands(
        needs="qemu-img, extlinux and parted",
        have='vagrant box list | grep -qF "$1 "',
        make=(
            'image/libvirt.sh "$rootfs" build/node.box\n'
            'vagrant box add --force --provider libvirt --name "$name" build/node.box\n'
            "rm -f build/node.box"
        ),
    )
    tools: Mapping[str, str] = MappingProxyType(
        {
            "mmdebstrap": "mmdebstrap",
            "qemu-img": "qemu-utils",
            "mke2fs": "e2fsprogs",
            "parted": "parted",
            "extlinux": "extlinux",
        }
    )
    adds_packages = True

    def make(self, bench: Workbench, tree: Path, _name: str) -> int:
        box = bench.scratch / "node.box"
        bench.run_with_packages(self.script, tree, box)
        bench.add_box(box)
        return box.stat().st_size

    def exists(self, name: str) -> bool:
        return any(box_folder(name).glob("*/libvirt/metadata.json"))

    def remove(self, name: str) -> None:
        if self.exists(name):
            Vagrant(Path("/")).box_remove(name, "libvirt")
        # The copies of a box's disk that vagrant-libvirt keeps in libvirt's pools, and leaves there without the box.
        for pool in words("pool-list", "--name"):
            for volume in words("vol-list", "--pool", pool):
                if volume.startswith(f"{as_file_name(name)}_vagrant_box_image_"):
                    virsh("vol-delete", "--pool", pool, volume)

    def closed(self, _name: str) -> str | None:
        if os.geteuid() != 0:
            return "it takes root to look into a libvirt image"
        if not shutil.which("qemu-storage-daemon") or not Path("/dev/fuse").exists():
            return "it takes qemu-storage-daemon and /dev/fuse to look into a libvirt image"
        return None

    def inside(self, name: str, _run: str) -> list[str]:
        disk = next(box_folder(name).glob("*/libvirt/box.img"))
        return ["bash", str(resource("scripts") / "lint" / "libvirt.sh"), str(disk)]
