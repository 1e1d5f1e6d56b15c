"""The image store, with the builder's scripts and docker, vagrant and virsh played by small shell scripts."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from labgen.components.registry import load_component
from labgen.errors import ImageError
from labgen.images import ImageSpec, ensure_image, ensure_tree, have_image, list_images, remove_image
from tests.unit.labs import write_component

CONSUL = """\
versions: {debian-13: "1.8.7"}
artefacts:
  consul:
    version: 1.8.7
    sources:
      - {kind: url, url: "https://example.invalid/consul.zip", sha256: "%s"}
"""
FAKE_TOOLS = {
    # Namespaces are root's; tests/integration has the real ones.
    "unshare": 'while [[ $1 == --* ]]; do shift; done; exec "$@"\n',
    # Their state is a folder of empty files, one an image.
    "docker": """\
[[ $1 == image && $2 == inspect ]] && { [[ -e $WORLD/images/${3//\\//_} ]]; exit; }
[[ $1 == image && $2 == rm ]] && rm "$WORLD/images/${3//\\//_}"
""",
    "vagrant": """\
[[ $2 == add ]] && mkdir -p "$VAGRANT_HOME/boxes/${3//\\//-VAGRANTSLASH-}/0/libvirt" &&
  cp "$4" "$VAGRANT_HOME/boxes/${3//\\//-VAGRANTSLASH-}/0/libvirt/metadata.json"
[[ $2 == remove ]] && rm -r "$VAGRANT_HOME/boxes/${4//\\//-VAGRANTSLASH-}"
exit 0
""",
    "virsh": """\
while [[ $1 == --* ]]; do [[ $1 == --connect ]] && shift; shift; done
[[ $1 == pool-list ]] && echo default
[[ $1 == vol-list ]] && ls "$WORLD/pool"
[[ $1 == vol-delete ]] && rm "$WORLD/pool/$4"
exit 0
""",
}
SCRIPTS = {
    "rootfs": 'echo "$1" >"$2"',
    "bake": """\
base=$1 out=$2 components=$3 artefacts=$4
shift 5
{ cat "$base"; echo "$@"; find "$components" "$artefacts" -type f -printf "%P\\n" | sort; } >"$out"
""",
    "docker": 'mkdir -p "$WORLD/images"; cp "$1" "$WORLD/images/${2//\\//_}"',
    "libvirt": 'cp "$1" "$2"',
}


@dataclass(frozen=True)
class ClusterState:
    """A place where images are built: `calls` tells which scripts ran, in order."""

    root: Path
    cache: Path
    spec: ImageSpec

    @property
    def artefacts(self) -> dict[str, Path]:
        return {"consul": self.root / "consul"}

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().split() if path.exists() else []

    def ensure(self, spec: ImageSpec | None = None, **extra: object) -> str:
        spec = spec or self.spec
        return ensure_image(spec, self.artefacts, self.cache, self.root / f"{spec.digest[:6]}.log", **extra)  # type: ignore[arg-type]

    def script(self, name: str, body: str) -> None:
        path = self.spec.scripts / f"{name}.sh"
        path.write_text(f'#!/usr/bin/env bash\nset -eu\necho {name} >>"$WORLD/calls"\n{body}\n')


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterState:
    scripts, lib, tools = tmp_path / "image", tmp_path / "lib", tmp_path / "bin"
    for folder in (scripts, lib, tools, tmp_path / "pool"):
        folder.mkdir()
    (lib / "lib.sh").write_text("# functions\n")
    (tmp_path / "consul").write_text("the program")
    write_component(tmp_path, "alpha", CONSUL % ("0" * 64), {"install.sh": "alpha", "alpha.conf.j2": "not in an image"})
    write_component(tmp_path, "beta", "", {"install.sh": "beta"})
    for name, body in FAKE_TOOLS.items():
        (tools / name).write_text(f"#!/usr/bin/env bash\n{body}")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("WORLD", str(tmp_path))
    monkeypatch.setenv("VAGRANT_HOME", str(tmp_path / "vagrant"))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    components = (load_component(tmp_path / "alpha"), load_component(tmp_path / "beta"))
    made = ClusterState(tmp_path, tmp_path / "cache", ImageSpec("debian-13", "docker", components, lib, scripts))
    for name, body in SCRIPTS.items():
        made.script(name, body)
    for sourced in ("sources", "apt", "system"):
        made.script(sourced, "")
    return made


def test_the_name_says_what_is_in_the_image(world: ClusterState) -> None:
    digest = world.spec.digest[:12]
    assert world.spec.name == f"labgen/debian-13-alpha-beta:{digest}"
    assert replace(world.spec, components=()).name.startswith("labgen/debian-13:")
    assert ":" not in replace(world.spec, provider="libvirt").name


@pytest.mark.parametrize(
    "file",
    [
        "image/rootfs.sh",
        "image/sources.sh",
        "image/apt.sh",
        "image/system.sh",
        "image/bake.sh",
        "image/docker.sh",
        "lib/lib.sh",
        "alpha/install.sh",
    ],
)
def test_the_digest_follows_what_goes_in(world: ClusterState, file: str) -> None:
    before = world.spec.digest
    (world.root / file).write_text("# something else\n")
    assert replace(world.spec).digest != before


@pytest.mark.parametrize("file", ["image/libvirt.sh", "alpha/alpha.conf.j2"])
def test_the_digest_ignores_what_does_not(world: ClusterState, file: str) -> None:
    before = world.spec.digest
    (world.root / file).write_text("# something else\n")
    assert replace(world.spec).digest == before


def test_another_artefact_or_order_is_another_image(world: ClusterState) -> None:
    write_component(world.root, "alpha", CONSUL % ("1" * 64))
    alpha, beta = world.spec.components
    assert replace(world.spec, components=(load_component(world.root / "alpha"), beta)).digest != world.spec.digest
    assert replace(world.spec, components=(beta, alpha)).digest != world.spec.digest


def test_an_image_is_built_once(world: ClusterState) -> None:
    said: list[str] = []
    assert not have_image(world.spec, world.cache)
    name = world.ensure(progress=said.append)
    assert name == world.spec.name
    assert world.calls == ["rootfs", "bake", "docker"]
    assert [line.rpartition(" ")[2] for line in said] == ["rootfs", "bake", "docker"]
    content = (world.root / "images" / name.replace("/", "_")).read_text().splitlines()
    assert content == ["debian-13", "alpha beta", "alpha/install.sh", "beta/install.sh", "consul", "lib/lib.sh"]
    world.ensure()
    assert world.calls == ["rootfs", "bake", "docker"]


def test_a_chosen_version_goes_in(world: ClusterState) -> None:
    other = 'versions: {debian-13: "2.0"}\nother_versions: {kind: pypi, package: beta, minimum: "1.0"}\n'
    write_component(world.root, "beta", other)
    (world.root / "beta-wheels").write_text("the wheels")
    alpha = world.spec.components[0]
    chosen = replace(world.spec, components=(alpha, load_component(world.root / "beta").in_version("1.1", "debian-13")))
    artefacts = {**world.artefacts, "beta": world.root / "beta-wheels"}
    name = ensure_image(chosen, artefacts, world.cache, world.root / "log")
    content = (world.root / "images" / name.replace("/", "_")).read_text().splitlines()
    assert content[2:] == [
        "alpha/install.sh",
        "beta",
        "beta/install.sh",
        "beta/version",
        "consul",
        "lib/lib.sh",
    ]


def test_plain_debian_is_not_baked_and_shares_the_root_filesystem(world: ClusterState) -> None:
    world.ensure()
    world.ensure(replace(world.spec, components=()))
    assert world.calls == ["rootfs", "bake", "docker", "docker"]


def test_providers_share_the_baked_tree(world: ClusterState) -> None:
    world.ensure()
    libvirt = replace(world.spec, provider="libvirt")
    world.ensure(libvirt)
    assert world.calls == ["rootfs", "bake", "docker", "libvirt"]
    assert libvirt.tree_digest == world.spec.tree_digest
    box = next((world.root / "vagrant").glob("boxes/*/0/libvirt/metadata.json"))
    assert box.read_text() == (world.root / "images" / world.spec.name.replace("/", "_")).read_text()


@pytest.mark.parametrize(
    ("file", "made_again"),
    [
        ("beta/install.sh", ["bake", "docker"]),
        ("lib/lib.sh", ["bake", "docker", "bake", "docker"]),
        ("image/docker.sh", ["docker", "docker"]),
        ("image/rootfs.sh", ["rootfs", "bake", "docker", "bake", "docker"]),
    ],
)
def test_an_edit_bakes_only_what_it_touches(world: ClusterState, file: str, made_again: list[str]) -> None:
    alpha, beta = world.spec.components
    specs = [replace(world.spec, components=(alpha,)), replace(world.spec, components=(beta,))]
    for spec in specs:
        world.ensure(spec)
    before = len(world.calls)
    with (world.root / file).open("a") as script:
        script.write("\n# edited\n")
    for spec in specs:
        world.ensure(replace(spec))
    assert world.calls[before:] == made_again


@pytest.mark.parametrize("which", ["base-debian-13-*.tar", "debian-13-alpha-beta-*.tar"])
def test_a_damaged_tree_is_made_again(world: ClusterState, which: str) -> None:
    world.ensure()
    (path,) = (world.cache / "trees").glob(which)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    said: list[str] = []
    other = replace(world.spec, provider="libvirt")
    if which.startswith("base"):
        other = replace(other, components=world.spec.components[:1])
    world.ensure(other, progress=said.append)
    assert f"{path.name} in the cache is damaged: making it again" in said
    assert world.calls[3:] == (["rootfs", "bake", "libvirt"] if which.startswith("base") else ["bake", "libvirt"])


def test_the_tree_alone(world: ClusterState) -> None:
    tree = ensure_tree(world.spec, world.artefacts, world.cache, world.root / "log")
    assert world.calls == ["rootfs", "bake"]
    assert tree.recipe == world.spec.recipe
    assert not have_image(world.spec, world.cache)
    world.ensure()
    assert world.calls == ["rootfs", "bake", "docker"]


def test_an_image_removed_behind_our_back_is_built_again(world: ClusterState) -> None:
    name = world.ensure()
    (world.root / "images" / name.replace("/", "_")).unlink()
    assert list_images(world.cache) == []
    world.ensure()
    assert world.calls == ["rootfs", "bake", "docker", "docker"]


def test_a_failed_build_says_why_and_leaves_nothing(world: ClusterState) -> None:
    world.script("bake", "seq 1 40; echo 'E: no such package' >&2; exit 100")
    with pytest.raises(ImageError) as caught:
        world.ensure()
    assert caught.value.exit_code == 4
    assert caught.value.detail[-1] == "E: no such package"
    assert len(caught.value.detail) == 15
    assert caught.value.where == str(world.root / f"{world.spec.digest[:6]}.log")
    assert not have_image(world.spec, world.cache)
    assert not list((world.cache / "images").glob(".build-*"))


def test_what_a_killed_build_left_goes_with_the_next(world: ClusterState) -> None:
    scratch = world.cache / "images" / f".build-{world.spec.digest[:12]}"
    (scratch / "rootfs.tar.XXXXXX").mkdir(parents=True)
    world.ensure()
    assert not scratch.exists()


def test_an_older_root_filesystem_is_dropped(world: ClusterState) -> None:
    world.ensure()
    (first,) = (world.cache / "trees").glob("base-*.tar")
    world.script("rootfs", 'echo "newer $1" >"$2"')
    world.ensure(replace(world.spec))
    (second,) = (world.cache / "trees").glob("base-*.tar")
    assert second != first


def test_two_builders_of_one_image_build_it_once(world: ClusterState) -> None:
    world.script("bake", "sleep 0.3; " + SCRIPTS["bake"])
    threads = [threading.Thread(target=world.ensure, args=(replace(world.spec),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.calls == ["rootfs", "bake", "docker"]


def test_two_images_are_built_side_by_side(world: ClusterState) -> None:
    # Each waits until the other has begun: one after the other would take both into the timeout.
    body = """\
touch "$WORLD/began-$#"
for i in {1..100}; do
  [[ $(ls "$WORLD"/began-* | wc -l) == 2 ]] && break
  sleep 0.05
done
[[ $i != 100 ]]
"""
    world.script("bake", body + SCRIPTS["bake"])
    one, other = replace(world.spec), replace(world.spec, components=world.spec.components[1:])
    threads = [threading.Thread(target=world.ensure, args=(spec,)) for spec in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {record.name for record in list_images(world.cache)} == {one.name, other.name}


def test_a_build_can_be_given_up(world: ClusterState) -> None:
    world.script("bake", "sleep 60")
    stop = threading.Event()
    timer = threading.Timer(0.3, stop.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(ImageError, match="given up"):
        world.ensure(stop=stop)
    assert time.monotonic() - began < 30
    assert not have_image(world.spec, world.cache)


def test_building_needs_root(world: ClusterState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ImageError, match="needs root") as caught:
        world.ensure()
    assert caught.value.cure
    assert world.calls == []


def test_records_list_what_there_is(world: ClusterState) -> None:
    world.ensure()
    world.ensure(replace(world.spec, provider="libvirt", components=()))
    (world.cache / "images" / "broken.json").write_text("{")
    records = list_images(world.cache)
    assert {(record.provider, record.os, record.components) for record in records} == {
        ("docker", "debian-13", ("alpha", "beta")),
        ("libvirt", "debian-13", ()),
    }
    assert all(record.size > 0 and record.made.endswith("+00:00") for record in records)


@pytest.mark.parametrize("provider", ["docker", "libvirt"])
def test_a_removed_image_is_gone_everywhere(world: ClusterState, provider: str) -> None:
    spec = replace(world.spec, provider=provider)
    box = spec.name.replace("/", "-VAGRANTSLASH-")
    mine, foreign = f"{box}_vagrant_box_image_0_17_box.img", "somebody-else_vagrant_box_image_0_17_box.img"
    for volume in (mine, foreign):
        (world.root / "pool" / volume).touch()
    world.ensure(spec)
    (record,) = list_images(world.cache)
    remove_image(record, world.cache)
    remove_image(record, world.cache)
    assert list_images(world.cache) == []
    assert not have_image(spec, world.cache)
    assert (world.root / "pool" / foreign).exists()
    assert (world.root / "pool" / mine).exists() == (provider == "docker")
