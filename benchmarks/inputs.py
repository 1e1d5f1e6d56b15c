"""The inputs of `benchmarks.robust`: of each kind a damaged one, and what reads it as its command would."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from random import Random

import zstandard

from benchmarks.mutate import damaged, json_changed, yaml_changed
from labgen.actions.bundle.proposal import offered
from labgen.actions.drill import recheck
from labgen.actions.lab.listing import lab_lines
from labgen.actions.lab.show import described, resolved
from labgen.actions.lab.validate import as_data, validate
from labgen.actions.repro.run import validate_reproduction
from labgen.actions.session.open import LabRequest, existing_lab, lab_of
from labgen.blueprint.files import blueprint_files
from labgen.bundle.pack import check
from labgen.checkpoint.record import CheckpointStore
from labgen.cli.commands.replay import statement
from labgen.cli.console import json_text
from labgen.cli.terminal import HarmlessConsole
from labgen.drill.report.page import page
from labgen.drill.report.summary import summary
from labgen.drill.report.tables import cluster_lines, path_table, verdict_lines
from labgen.faults.undo import left_over
from labgen.lock.archive import opened
from labgen.lock.archive import pack as pack_archive
from labgen.lock.model import read_lock
from labgen.overrides import read_overrides
from labgen.provision.journal import Journal
from labgen.render.folder import write_folder
from labgen.resources import resource
from labgen.state import lab_folder

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "unit"))
import bundles
from drill_logs import Story

Run = Callable[[], object]
Make = Callable[[Random, Path], Run]
EXAMPLES = Path(__file__).parent.parent / "examples"
GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
OVERRIDES = b"""\
os: debian-12
versions: {patroni: 3.0.4}
settings:
  patroni: {ttl: 40, loop_wait: 5, parameters: {work_mem: 8MB}}
config:
  patroni: {log: {level: DEBUG}}
  haproxy: {global: {maxconn: 100}}
nodes:
  postgres02: {memory: 512, settings: {patroni: {tags: {nofailover: true}}}, config: {patroni: {log: {level: INFO}}}}
packages: [strace, gdb]
files:
  - {path: /usr/local/bin/say, mode: "0755", source: beside.sh}
  - {path: /etc/issue, content: hello, nodes: [postgres01]}
steps:
  - {name: load, after: start, nodes: [postgres01], script: beside.sh}
  - {name: say, after: patroni/start, run: say}
secrets:
  patroni: {replication_password: {containing: "%"}}
"""
NAME = "robust"
WORDS = (
    "patroni.ttl=40", "nodes.postgres01.patroni.tags={nofailover: true}", "versions.patroni=4.0.5", "os=debian-12",
    "network.cidr=10.9.0.0/24", "config.patroni.log.level=DEBUG", "nodes.postgres02.memory=512", "box=vendor/box",
    "config.haproxy.global.maxconn=10", "patroni.parameters.work_mem=4MB",
    "secrets.patroni.app_password.containing=%",
)  # fmt: skip


def _fresh(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def _change(name: str) -> Callable[[Random, bytes], bytes]:
    """What damages the file NAME."""
    kind = name.rpartition(".")[2]
    return yaml_changed if kind == "yml" else json_changed if kind in ("json", "jsonl", "lock") else damaged


def _silent(_: str) -> None: ...


def _checked(*words: object, **named: object) -> None:
    """`validate`, with what it prints; and `show` of it."""
    as_data(validate(*words, **named))  # type: ignore[arg-type]


def _blueprint(dice: Random, place: Path) -> Run:
    files = [*blueprint_files().values(), EXAMPLES / "etcd-pair.yml"]
    path = _fresh(place) / "lab.yml"
    path.write_bytes(yaml_changed(dice, dice.choice(files).read_bytes()))

    def run() -> None:
        _checked(str(path))
        lab = lab_of(LabRequest(str(path), provider="docker")).lab
        json_text([described(lab), resolved(lab)])

    return run


def _overrides(dice: Random, place: Path) -> Run:
    path = _fresh(place) / "overrides.yml"
    path.write_bytes(yaml_changed(dice, OVERRIDES))
    (place / "beside.sh").write_bytes(b"#!/bin/bash\ntrue\n" if dice.random() < 0.8 else damaged(dice, b"echo hello\n"))
    return partial(_checked, "etcd-haproxy", overrides_files=(path,))


def _set(dice: Random, place: Path) -> Run:
    _fresh(place)
    words = [damaged(dice, dice.choice(WORDS).encode()).decode("utf-8", "surrogateescape")]
    words += [dice.choice(WORDS)] if dice.random() < 0.2 else []
    return partial(_checked, "etcd-haproxy", tuple(words))


def _reproduction(dice: Random, place: Path) -> Run:
    seed = dice.choice([*sorted((EXAMPLES / "repro").glob("*.yml")), GOLDEN / "repro" / "faults-in-its-lab.yml"])
    shutil.copytree(EXAMPLES / "repro" / "labs", _fresh(place) / "labs")
    path = place / "shown.yml"
    path.write_bytes(yaml_changed(dice, seed.read_bytes()) if dice.random() < 0.9 else seed.read_bytes())
    for lab in (place / "labs").glob("*.yml"):
        if dice.random() < 0.1:
            lab.write_bytes(yaml_changed(dice, lab.read_bytes()))

    def run() -> None:
        validate_reproduction(str(path))
        read_overrides(path)

    return run


def _manifest(dice: Random, place: Path) -> Run:
    name = dice.choice(("patroni", "etcd", "haproxy", "postgresql"))
    folder = _fresh(place) / "components" / name
    shutil.copytree(resource("scripts") / name, folder)
    inside = [folder / "component.yml"] * 3 + sorted(folder.glob("*.j2"))
    path = dice.choice(inside)
    path.write_bytes(_change(path.name)(dice, path.read_bytes()))
    return partial(_checked, "etcd-haproxy", (), (place / "components",))


def _lock(dice: Random, place: Path) -> Run:
    path = _fresh(place) / "labgen.lock"
    path.write_bytes(json_changed(dice, bundles.lock_for().encode()))
    return partial(read_lock, path)


# --- archives ---------------------------------------------------------------------------------------------------------


@cache
def _bundle_seed() -> tuple[tuple[str, bytes], ...]:
    place = _fresh(Path("/tmp") / f"labgen-robust-{hashlib.sha256(bundles.BLUEPRINT.encode()).hexdigest()[:8]}")  # noqa: S108
    texts = {**bundles.SHOWN, "nodes/one/journal.log": "x\n" * 50}
    made = bundles.write_bundle(place / "x.tar.zst", texts, {"reproduction": bundles.SHOWS})
    data = zstandard.ZstdDecompressor().stream_reader(made.read_bytes()).read()
    shutil.rmtree(place)
    return tuple(_members(data))


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            assert file is not None  # noqa: S101
            yield member.name, file.read()


TYPES = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)


def _tar(dice: Random, members: list[tuple[str, bytes]]) -> bytes:
    """MEMBERS as they stand; now and then one of another kind, or of another size than its header says."""
    out = io.BytesIO()
    for name, content in members:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        if dice.random() < 0.03:
            entry.type = dice.choice(TYPES)
            entry.linkname = "/etc/passwd"
        if dice.random() < 0.03:
            entry.size = dice.choice((-1, -512, 0, 1, 10**9, 10**15))
        out.write(entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + content + bytes(-len(content) % 512))
    return out.getvalue() + bytes(1024)


def _rebuilt(dice: Random, seed: list[tuple[str, bytes]]) -> bytes:
    """An archive of the members SEED, one of which is changed; its contents tell the truth about that, or nonsense."""
    contents, *members = seed
    at = dice.randrange(len(members))
    name, content = members[at]
    if dice.random() < 0.75:
        members[at] = (name, _change(name)(dice, content))
    if dice.random() < 0.1:
        members[at] = (damaged(dice, name.encode()).decode("utf-8", "replace")[:90], members[at][1])
    head = json.loads(contents[1])
    head["members"] = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in members}
    text = json.dumps(head).encode()
    if dice.random() < 0.25:
        text = json_changed(dice, text)
    return _tar(dice, [(contents[0], text), *members])


def _bundle(dice: Random, place: Path) -> Run:
    path = _fresh(place) / "x.tar.zst"
    data = _rebuilt(dice, list(_bundle_seed()))
    packed = zstandard.ZstdCompressor().compress(damaged(dice, data) if dice.random() < 0.1 else data)
    path.write_bytes(damaged(dice, packed) if dice.random() < 0.2 else packed)

    def run() -> None:
        check(path)
        with offered(path, _silent) as offer:
            statement(offer)

    return run


@cache
def _archive_seed() -> tuple[tuple[str, bytes], ...]:
    place = _fresh(Path("/tmp") / "labgen-robust-archive")  # noqa: S108
    files = {"packages/debian-13/alpha_1_all.deb": b"package", "trees/base-debian-13-0123456789ab.tar": b"tree" * 5000}
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True)
        (place / name).write_bytes(content)
    pack_archive(place / "x.tar", bundles.LOCK, {name: place / name for name in files}, _silent)
    members = tuple(_members((place / "x.tar").read_bytes()))
    shutil.rmtree(place)
    return members


def _archive(dice: Random, place: Path) -> Run:
    path = _fresh(place) / "class.tar"
    data = _rebuilt(dice, list(_archive_seed()))
    path.write_bytes(damaged(dice, data) if dice.random() < 0.3 else data)

    def run() -> None:
        with opened(path, place / "cache"):
            pass

    return run


# --- logs and state ---------------------------------------------------------------------------------------------------


@cache
def _log_seed() -> bytes:
    return Story(expect={"failover": True}).text().encode()


def _drill_log(dice: Random, place: Path) -> Run:
    path = _fresh(place) / "x.jsonl"
    path.write_bytes(json_changed(dice, _log_seed()))

    def run() -> None:
        outcome = recheck(path)
        told = summary(outcome.log, outcome.verdict, str(path))
        console = HarmlessConsole(file=io.StringIO())
        for part in (*verdict_lines(told), path_table(told), *cluster_lines(told)):
            console.print(part)
        json_text(told.to_json())
        page(outcome.log, outcome.verdict)

    return run


def _state(dice: Random, place: Path) -> Run:
    _fresh(place)
    shutil.rmtree(lab_folder(NAME).path, ignore_errors=True)
    made = lab_of(LabRequest("etcd-haproxy", name=NAME, provider="docker"))
    folder = made.folder
    made.save()
    folder.secrets(made.lab)
    step = {"event": "done", "node": "node1", "component": "etcd", "digest": "x"}
    steps = [{**step, "stage": stage} for stage in ("install", "start")]
    folder.journal.write_text("".join(json.dumps(step) + "\n" for step in steps))
    undo = {"id": "x", "node": "node1", "title": "x", "command": "true"}
    (folder.path / "drill.json").write_text(json.dumps({"run": "x", "what": "drill", "pid": 1, "undos": [undo]}))
    folder.rendered.mkdir()
    (folder.rendered / ".rendered.json").write_text(json.dumps(["Vagrantfile"]))
    folder.restoring.write_text("before")
    (folder.path / "linted").write_text("0" * 64)
    path = dice.choice([path for path in sorted(folder.path.rglob("*")) if path.is_file()])
    path.write_bytes(_change(path.name)(dice, path.read_bytes()))
    return partial(_use_state, NAME)


def _use_state(name: str) -> None:
    lab_lines()
    folder = lab_folder(name)
    CheckpointStore(name, folder.checkpoints, folder.restoring).under_way()
    left_over(folder.path)
    Journal(folder.journal).close()
    folder.linted()
    write_folder({}, folder.rendered)
    found = existing_lab(name)
    found.folder.secrets(found.lab)
    lab_of(LabRequest(name))


KINDS: dict[str, Make] = {
    "blueprint": _blueprint,
    "overrides": _overrides,
    "set": _set,
    "reproduction": _reproduction,
    "manifest": _manifest,
    "lock": _lock,
    "bundle": _bundle,
    "archive": _archive,
    "drill-log": _drill_log,
    "state": _state,
}
