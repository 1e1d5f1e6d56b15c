"""Images of exact packages: the builder's scripts are played, the packages and repositories are real."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from debs import OS, make_deb
from labs import write_component

from labgen.components.registry import load_component
from labgen.errors import PackageError
from labgen.images import ImageSpec, Trees, ensure_image, ensure_tree
from labgen.lock.model import LockedPackage, SystemLock
from labgen.lock.pool import Pool

# Each takes what it is given, or what the mirror has, and tells where from.
FROM = (
    "if [[ ${LABGEN_REPOSITORY:-} ]]; then echo chosen; from=$LABGEN_REPOSITORY; "
    "else echo mirror; from=$WORLD/mirror; fi"
)
SCRIPTS = {
    "rootfs": FROM + ' >>"$WORLD/calls"; cp "$WORLD"/mirror/base_*.deb "$LABGEN_HARVEST"; '
    'echo "base 1 all" >"$LABGEN_HARVEST/packages"; ls "$from" | grep deb >"$2"',
    "bake": FROM + ' >>"$WORLD/calls"; cp "$from"/tool_*.deb "$LABGEN_HARVEST"; '
    'tool=$(cd "$from"; ls tool_*.deb); tool=${tool#tool_}; '
    'printf "%s\\n" "base 1 all" "tool ${tool%_all.deb} all" >"$LABGEN_HARVEST/packages"; ls "$from" | grep deb >"$2"',
    "docker": "true",
    "sources": "true",
    "apt": "true",
    "system": "true",
}
UNSHARE = """\
#!/usr/bin/env bash
while [[ $1 == --* ]]; do
  [[ $1 != --net ]] || echo alone >>"$WORLD/calls"
  shift
done
exec "$@"
"""
DOCKER = "#!/usr/bin/env bash\nexit 1\n"


@dataclass(frozen=True)
class ClusterState:
    """calls: which scripts ran, each followed by where it took packages from."""

    root: Path
    spec: ImageSpec

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def pool(self) -> Pool:
        return Pool(self.cache, OS)

    def calls(self) -> list[str]:
        """What ran since the last time this was asked."""
        path = self.root / "calls"
        told = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return told

    def ensure(self, spec: ImageSpec, *, offline: bool = False) -> None:
        ensure_image(spec, {}, self.cache, self.root / "log", stop=threading.Event(), offline=offline)

    def lock(self) -> SystemLock:
        """Of the tree of the plain spec."""
        tree = ensure_tree(self.spec, {}, self.cache, self.root / "log")
        return SystemLock(packages=tuple(LockedPackage(**p.model_dump(), base=p.name == "base") for p in tree.packages))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterState:
    for folder in ("image", "lib", "bin", "mirror"):
        (tmp_path / folder).mkdir()
    for name, body in SCRIPTS.items():
        (tmp_path / "image" / f"{name}.sh").write_text(f'set -eu\necho {name} >>"$WORLD/calls"\n{body}\n')
    for name, body in (("unshare", UNSHARE), ("docker", DOCKER)):
        (tmp_path / "bin" / name).write_text(body)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "lib/lib.sh").write_text("")
    write_component(tmp_path, "alpha", "", {"install.sh": "alpha"})
    make_deb(tmp_path / "mirror", "base", "1")
    make_deb(tmp_path / "mirror", "tool", "1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("WORLD", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    spec = ImageSpec(OS, "docker", (load_component(tmp_path / "alpha"),), tmp_path / "lib", tmp_path / "image")
    return ClusterState(tmp_path, spec)


def test_what_is_downloaded_is_kept_and_written_down(world: ClusterState) -> None:
    lock = world.lock()
    assert world.calls() == ["rootfs", "mirror", "bake", "mirror"]
    assert [(p.name, p.version, p.base) for p in lock.packages] == [("base", "1", True), ("tool", "1", False)]
    assert [package.name for package in world.pool.all()] == ["base", "tool"]
    assert all(world.pool.sound(package) for package in lock.packages)


def test_a_locked_image_is_another_and_shares_trees_that_agree(world: ClusterState) -> None:
    locked = replace(world.spec, lock=world.lock())
    assert locked.name != world.spec.name
    world.calls()
    world.ensure(locked)
    assert world.calls() == ["docker"]


def test_a_lock_gives_its_own_versions(world: ClusterState) -> None:
    locked = replace(world.spec, lock=world.lock())
    for tree in Trees(world.cache).all():
        Trees(world.cache).remove(tree)
    (world.root / "mirror/tool_1_all.deb").unlink()
    make_deb(world.root / "mirror", "tool", "2")
    world.calls()
    world.ensure(locked)
    assert world.calls() == ["rootfs", "chosen", "bake", "chosen", "docker"]
    tree = Trees(world.cache).tree(locked)
    assert tree is not None
    assert [str(package) for package in tree.packages] == ["base 1", "tool 1"]
    assert Trees(world.cache).path(tree).read_text().split() == ["base_1_all.deb", "tool_1_all.deb"]
    # The root filesystem is made of its own packages alone.
    base = Trees(world.cache).base(locked)
    assert base is not None
    assert Trees(world.cache).path(base).read_text().split() == ["base_1_all.deb"]
    world.ensure(world.spec)
    tree = Trees(world.cache).tree(world.spec)
    assert tree is not None
    assert [str(package) for package in tree.packages] == ["base 1", "tool 2"]


def test_offline_builds_have_no_network_and_take_what_is_there(world: ClusterState) -> None:
    world.lock()
    for tree in Trees(world.cache).all():
        Trees(world.cache).remove(tree)
    shutil.rmtree(world.root / "mirror")
    (world.root / "mirror").mkdir()
    make_deb(world.root / "mirror", "base", "1")
    world.calls()
    world.ensure(world.spec, offline=True)
    assert world.calls() == ["alone", "rootfs", "chosen", "alone", "bake", "chosen", "alone", "docker"]


def test_offline_with_an_empty_cache(world: ClusterState) -> None:
    with pytest.raises(PackageError, match="packages are missing for debian-13") as caught:
        world.ensure(world.spec, offline=True)
    assert caught.value.exit_code == 3
    assert world.calls() == []


def test_a_package_that_apt_misses_is_named(world: ClusterState) -> None:
    world.lock()
    said = "echo 'E: Unable to locate package haproxy'; echo ' patroni : Depends: python3 but it is not installable'"
    (world.spec.scripts / "bake.sh").write_text(f"{said}; exit 100\n")
    with pytest.raises(PackageError, match="packages that are not here: haproxy, python3") as caught:
        world.ensure(replace(world.spec), offline=True)
    assert "labgen fetch" in (caught.value.cure or "")


def test_a_locked_package_that_is_gone_is_named(world: ClusterState) -> None:
    lock = world.lock()
    for tree in Trees(world.cache).all():
        Trees(world.cache).remove(tree)
    world.pool.remove(lock.packages[0])
    with pytest.raises(PackageError, match="a package is missing") as caught:
        world.ensure(replace(world.spec, lock=lock), offline=True)
    assert caught.value.detail == ("base 1 (not in the cache)",)
