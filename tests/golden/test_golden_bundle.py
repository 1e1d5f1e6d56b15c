"""What is said about bundles, to the letter: refusals, what is in one, what a replay would do, the bug report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from labgen.actions.bundle import replay as replaying
from labgen.actions.bundle.proposal import offered
from labgen.actions.bundle.replay import replay
from labgen.actions.bundle.repro import carried, how_to_reproduce, what_happened, what_was_expected
from labgen.actions.bundle.write import bundle, since_of
from labgen.actions.session.open import existing_lab
from labgen.bundle import pack as packing
from labgen.bundle.entries import OTHER, PATRONI, POSTGRESQL, Entry
from labgen.bundle.issue import IssueReport, issue
from labgen.bundle.pack import check
from labgen.bundle.timeline import Clock, merged
from labgen.cli.commands.bundle import lines
from labgen.cli.commands.replay import statement
from labgen.errors import LabgenError, PackageError
from labgen.lock.mirror import CURE
from tests.unit.bundles import BLUEPRINT, LOCK, REPRODUCTION, SHOWN, SHOWS, lock_for, record, write_bundle

Golden = Callable[[Path, str], None]
Readable = Callable[[str], None]

HERE = Path(__file__).parent
BUNDLE = Path("small.tar.zst")
NOON = 1795608000.0


def silent(_: str) -> None: ...


def offer(
    texts: dict[str, str | None] | None = None, about: dict[str, object] | None = None, provider: str | None = None
) -> None:
    with offered(write_bundle(BUNDLE, texts, about), silent, provider=provider):
        pass


def recompressed(change: Callable[[bytes], bytes]) -> None:
    """The bundle with a CHANGE of what is inside its compression."""
    data = zstandard.ZstdDecompressor().stream_reader(write_bundle(BUNDLE).read_bytes()).read()
    BUNDLE.write_bytes(zstandard.ZstdCompressor().compress(change(data)))
    check(BUNDLE)


def truncated() -> None:
    BUNDLE.write_bytes(write_bundle(BUNDLE).read_bytes()[:400])
    check(BUNDLE)


def no_bundle() -> None:
    BUNDLE.write_text("hello")
    check(BUNDLE)


def elsewhere() -> None:
    recompressed(lambda data: data.replace(b'"blueprint.yml"', b'"../eprint.yml"'))


def there_already() -> None:
    folder = Path("state/labs/small")
    folder.mkdir(parents=True)
    (folder / "lab.json").write_text(record())
    offer()


def component(source: str) -> dict[str, str | None]:
    manifest = f"name: extra\nsummary: x\nartefacts:\n  thing:\n    version: 1.0.0\n    sources: [{source}]\n"
    return {
        "blueprint.yml": BLUEPRINT.replace("[etcd]", "[etcd, extra]"),
        "lab.json": record(components=["components/0"]),
        "components/0/extra/component.yml": manifest,
    }


def gone_from_the_mirror(*_: object, **__: object) -> None:
    raise PackageError(
        "patroni cannot be had in the lock's version",
        detail=["patroni: wanted 4.0.7-1, the mirror has 4.0.7-2"],
        cure=CURE,
    )


def versions_gone() -> None:
    with pytest.MonkeyPatch.context() as patch, offered(write_bundle(BUNDLE), silent) as found:
        patch.setattr(replaying, "bring_up", gone_from_the_mirror)
        replay(found, None)  # type: ignore[arg-type]


def leaky() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing.Redactor, "replaced", lambda _, text: (text, {}))
        write_bundle(BUNDLE, {"nodes/one/journal.log": "password=hunter2\n"})


CASES: dict[str, Callable[[], object]] = {
    "damaged": lambda: recompressed(lambda data: data.replace(b"A small lab\n", b"A small lob\n")),
    "elsewhere": elsewhere,
    "extends": lambda: offer({"blueprint.yml": f"extends: /etc/passwd\n{BLUEPRINT}"}),
    "extends-beside": lambda: offer({**SHOWN, "overrides/1/labs/small.yml": f"extends: x\n{BLUEPRINT}"}),
    "overrides-elsewhere": lambda: offer({"lab.json": record(files=["../../lab.json"])}),
    "reproduction-elsewhere": lambda: offer(SHOWN, {"reproduction": {**SHOWS, "member": "nodes/one/shown.yml"}}),
    "reproduction-gone": lambda: offer(about={"reproduction": SHOWS}),
    "exists": there_already,
    "lab-unknown": lambda: bundle("small", BUNDLE, silent),
    "leaky": leaky,
    "lock-other-labgen": lambda: offer({"labgen.lock": lock_for(labs=(LOCK.labs[0].model_copy(update={"os": "x"}),))}),
    "lock-other-provider": lambda: offer(provider="libvirt"),
    "missing": lambda: check(BUNDLE),
    "name": lambda: bundle("small", Path("small.zip"), silent),
    "newer": lambda: recompressed(lambda data: data.replace(b'"format": 1', b'"format": 2', 1)),
    "no-bundle": no_bundle,
    "plugin": lambda: offer(about={"plugins": ["vip-mover"]}),
    "record": lambda: offer({"lab.json": "{}"}),
    "since": lambda: since_of("yesterday"),
    "strange-box": lambda: offer({"lab.json": record(overrides=["box=stranger/box"])}),
    "strange-build": lambda: offer(component("{kind: go, module: example.invalid/thing, version: v1, sum: 'h1:x'}")),
    "truncated": truncated,
    "versions-gone": versions_gone,
}


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABGEN_STATE", "state")
    monkeypatch.setenv("LABGEN_CACHE", "cache")


@pytest.mark.parametrize("case", CASES)
def test_message(case: str, golden: Golden, readable: Readable, tmp_path: Path) -> None:
    with pytest.raises(LabgenError) as caught:
        CASES[case]()
    text = "".join(f"{line}\n" for line in caught.value.lines()).replace(f"{tmp_path}/", "")
    golden(HERE / "bundle" / f"{case}.txt", text)
    readable(text)


def test_show(golden: Golden) -> None:
    about = {"silent": {"dcs": "it does not run"}, "notes": ["one: journal.log: the last 32 MiB of it"]}
    write_bundle(BUNDLE, {"nodes/one/journal.log": "password=hunter2 PGPASSWORD=hunter3\n"}, about)
    golden(HERE / "bundle" / "show.out", "".join(f"{line}\n" for line in lines(check(BUNDLE))))


def test_statement(golden: Golden) -> None:
    source = "{kind: url, url: 'https://example.invalid/thing', sha256: " + "a" * 64 + "}"
    texts = {**component(source), "components/0/extra/install.sh": "true\n"}
    text = []
    for members, more in (({}, {}), (texts, {}), (SHOWN, {"reproduction": SHOWS})):
        with offered(write_bundle(BUNDLE, members, more), silent) as found:
            text += statement(found)
    golden(HERE / "bundle" / "statement.out", "".join(f"{line}\n" for line in text))


ENTRIES = [
    Entry(NOON, "one", "patroni[7]", "2026-11-25 12:00:00,000 INFO: promoted self to leader", PATRONI),
    Entry(NOON + 0.5, "one", "postgres[9]", "2026-11-25 12:00:00.500 UTC [9] LOG:  ready", POSTGRESQL),
    Entry(NOON + 1, "two", "patroni[7]", "2026-11-25 12:00:05,000 INFO: no action. I am (two)", PATRONI),
    Entry(NOON + 2, "two", "patroni[7]", "2026-11-25 12:00:06,000 INFO: no action. I am (two)", PATRONI),
    Entry(NOON + 2, "dcs", "etcd[3]", "elected leader\nat term 2", OTHER),
]


def test_issue(golden: Golden) -> None:
    report = IssueReport(
        bundle="small.tar.zst",
        entries=ENTRIES,
        versions={
            "Patroni version": "4.0.7",
            "PostgreSQL version": "17.6-0+deb13u1",
            "DCS (and its version)": "etcd 3",
        },
        config="# rendered\nscope: postgres\nname: one\n",
        show_config="loop_wait: 10\nttl: 30\n",
        others=["lab: A small lab", "one 192.168.61.11: postgresql, patroni"],
    )
    golden(HERE / "bundle" / "issue.md", issue(report))


def test_parts_of_the_issue_that_a_reproduction_gives(golden: Golden) -> None:
    """With what its last run on the lab has seen."""
    folder = Path("state/labs/small")
    (folder / "repro").mkdir(parents=True)
    (folder / "lab.json").write_text(record())
    (folder / "blueprint.yml").write_text(BLUEPRINT)
    Path("labs").mkdir()
    Path("labs/small.yml").write_text(BLUEPRINT)
    Path("shown.yml").write_text(REPRODUCTION)
    seen = [{"condition": "one: `say` exits with 0, lacks /hello/", "holds": "yes", "why": "one: ''"}]
    tries = [{"verdict": "not-reproduced", "seen": []}, {"verdict": "reproduced", "seen": seen}]
    result = {"reproduction": "shown", "verdict": "reproduced", "counts": SHOWS["tries"], "tries": tries}
    (folder / "repro" / "shown-20261125-120000-abcd.json").write_text(json.dumps(result))
    found = carried(existing_lab("small"), Path("shown.yml"))
    assert found is not None
    assert found.facts.model_dump() == {**SHOWS, "member": "repro/shown.yml"}
    assert sorted(found.texts) == ["repro/labs/small.yml", "repro/shown.yml"]
    report = IssueReport(
        bundle="small.tar.zst",
        entries=[],
        seen=what_happened(found),
        reproduce=how_to_reproduce(found),
        expected=what_was_expected(found),
    )
    golden(HERE / "bundle" / "issue-reproduced.md", issue(report))


def test_timeline(golden: Golden) -> None:
    own = {node: [entry for entry in ENTRIES if entry.node == node] for node in ("one", "two", "dcs")}
    clocks = {"one": Clock(0.0, 0.001), "two": Clock(-4.5, 0.002), "dcs": Clock(0.25, 0.0005)}
    text = merged(own, clocks, {"three": "it does not run"}).lines()
    golden(HERE / "bundle" / "timeline.log", "".join(f"{line}\n" for line in text))
