"""`bundle`: a lab with all that is known of it in one file, for somebody who has to look into it or make it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from labgen.actions.bundle.files import as_json, of_the_lab, plugins
from labgen.actions.bundle.report import report_of
from labgen.actions.bundle.repro import carried
from labgen.actions.cache.images import artefact_store
from labgen.actions.cache.locking import lock_of
from labgen.actions.lab.verify import ANSWER_WITHIN
from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import OpenLab, existing_lab
from labgen.bundle import model
from labgen.bundle.collect import Collected, ask_patronictl, collect
from labgen.bundle.entries import Entry
from labgen.bundle.issue import issue
from labgen.bundle.model import LabFacts
from labgen.bundle.pack import Packed, pack
from labgen.bundle.timeline import merged
from labgen.checks import CheckReport, run_checks
from labgen.checks.report import report_data
from labgen.errors import UsageError
from labgen.images import Trees
from labgen.images.machines import image_specs
from labgen.lab.model import Lab
from labgen.lock.model import Lock, lock_bytes
from labgen.providers import get_provider
from labgen.provision import Connections
from labgen.redact import Redactor
from labgen.state import cache_folder
from labgen.system.files import write_atomically

Progress = Callable[[str], None]
SHORTEST_LINE = 20
OWN_SESSIONS = ("sudo", "runuser", "sshd", "sshd-session", "sshd-auth", "systemd-logind")
"""Processes whose entries in a node's journal come from labgen's own questions; the timeline does without them."""


@dataclass(frozen=True)
class Made:
    """A bundle, and where a copy of its issue.md lies beside it."""

    path: Path
    packed: Packed
    issue: Path


def bundle(
    name: str,
    target: Path,
    progress: Progress,
    *,
    reproduction: Path | None = None,
    since: datetime | None = None,
    verify: bool = True,
) -> Made:
    """Write all that is known of the lab NAME to the bundle TARGET.

    reproduction: what a replay is to show; without it the one that the lab was made by, if it was. since: what is older
    in logs is left out. verify: run the checks, for the bundle to say how they are.
    Raises UnknownNameError, UsageError for a TARGET that cannot be, LabgenError when it cannot be written.
    """
    target = target.absolute()
    _refuse_place(target)
    opened = existing_lab(name)
    secrets = opened.folder.secrets(opened.lab)
    shown = carried(opened, reproduction)
    report: CheckReport | None = None
    with Connections(endpoints(opened), opened.folder.known_hosts, timeout=ANSWER_WITHIN) as connections:
        progress("asking the nodes")
        began = None if since is None else since.timestamp()
        found, silent = collect(opened.lab, connections, opened.folder.rendered, began, progress)
        cluster = ask_patronictl(opened.lab, connections, found)
        if verify and found:
            progress("running the checks")
            sequential = get_provider(opened.lab.provider).emulated
            report = run_checks(opened.lab, secrets, connections, sequential=sequential)
    clocks = {node: one.clock for node, one in found.items() if one.clock is not None}
    told = {node: [entry for entry in one.entries if not _own(entry)] for node, one in found.items()}
    timeline = merged(told, clocks, silent)
    notes = [f"{node}: {note}" for node, one in found.items() for note in one.notes]
    lock = _lock(opened, found, notes)
    texts = {
        **dict(of_the_lab(opened, since, notes)),
        **{path: text for one in found.values() for path, text in one.files.items()},
        **cluster,
        **(shown.texts if shown else {}),
        model.TIMELINE: "".join(f"{line}\n" for line in timeline.lines()),
        model.CLOCKS: as_json({node: asdict(clock) for node, clock in clocks.items()}),
    }
    if lock is not None:
        texts[model.LOCK] = lock_bytes(lock).decode()
    if report is not None:
        texts[model.CHECKS] = as_json(report_data(report))
    texts[model.ISSUE] = issue(report_of(opened.lab, target.name, texts, timeline, found, report, shown))
    if misplaced := [path for path in texts if not model.is_place(path)]:
        notes += [f"{path} is left out: a bundle has no place for such a name" for path in misplaced]
        texts = {path: text for path, text in texts.items() if model.is_place(path)}
    about = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "lab": model.plain(_facts(opened.lab, lock)),
        "silent": silent,
        "notes": notes,
        "checks": {} if report is None else {result.name: result.status.value for result in report.results},
        "plugins": plugins(opened),
        "reproduction": model.plain(shown.facts) if shown else None,
    }
    packed = pack(target, texts, about, redactor_of(opened, secrets), progress)
    beside = target.with_name(target.name.removesuffix(model.SUFFIX) + ".issue.md")
    write_atomically(beside, packed.issue.encode(), 0o600)
    return Made(target, packed, beside)


def _refuse_place(target: Path) -> None:
    """Raise UsageError when no bundle can be put at TARGET: before a minute of work, not after it."""
    if not target.name.endswith(model.SUFFIX):
        raise UsageError(
            f"a bundle's name ends in {model.SUFFIX}", where=target.name, cure=f"say -o {target.name}{model.SUFFIX}"
        )
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", where=target, cure="make it, or name another with -o")
    if target.is_dir():
        raise UsageError(f"{target} is a folder", cure="name a file in it with -o")


def redactor_of(opened: OpenLab, secrets: Mapping[str, Mapping[str, str]]) -> Redactor:
    """What takes out the lab's passwords, its SSH key, and what looks like a password without being its own."""
    # The first line of the key says what kind it is, and is the same in all of them; the rest of the last one may be
    # so short that it stands anywhere.
    lines = [line for line in opened.folder.keys().private.splitlines() if not line.startswith("-")][1:]
    key = {f"private_key_line_{number}": line for number, line in enumerate(lines, 2) if len(line) >= SHORTEST_LINE}
    return Redactor({**secrets, "ssh": key}, unknown=True)


def _own(entry: Entry) -> bool:
    return entry.process.partition("[")[0] in OWN_SESSIONS


def _lock(opened: OpenLab, found: Mapping[str, Collected], notes: list[str]) -> Lock | None:
    """The lock that the lab was made by, or that of what its images are; None, with a note, where nobody knows."""
    lab, cache = opened.lab, cache_folder()
    lock = lab.lock
    if lock is None:
        specs = list(image_specs(lab, baked=opened.record.baked).values())
        if not specs or not opened.record.baked:
            notes.append("there is no lock: the packages came from a mirror when the guests were set up")
            return None
        trees, store = Trees(cache), artefact_store(lab, cache)
        wanted = [pair for component in lab.components.values() for pair in component.manifest.artefacts.items()]
        if any(trees.tree(spec) is None or trees.base(spec) is None for spec in specs) or not all(
            store.cached(name, artefact) for name, artefact in wanted
        ):
            notes.append("there is no lock: the cache has no record any more of what the images are made of")
            return None
        lock = lock_of([lab], specs, cache, notes)
    locked = {f"{package.name} {package.version} {package.architecture}" for package in lock.systems[lab.os].packages}
    for node, one in found.items():
        if others := [package for package in one.packages if package not in locked]:
            names = ", ".join(" ".join(package.split()[:2]) for package in others[:5])
            more = f" and {len(others) - 5} more" if len(others) > 5 else ""
            notes.append(f"{node} has packages that the lock does not name: {names}{more}")
    return lock


def _facts(lab: Lab, lock: Lock | None) -> LabFacts:
    return LabFacts(
        name=lab.name,
        blueprint=lab.blueprint.name,
        title=lab.blueprint.title,
        profile=lab.profile,
        provider=lab.provider,
        os=lab.os,
        network=lab.network.cidr,
        nodes={node.name: node.components for node in lab.nodes},
        versions=dict(lab.versions),
        packages=sum(len(system.packages) for system in lock.systems.values()) if lock else 0,
    )


def since_of(word: str, now: datetime | None = None) -> datetime:
    """The time that WORD means: `30m`, `2h`, `1d` ago, or a date with a time in UTC; raises UsageError."""
    now = now or datetime.now(UTC)
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if word[:-1].isdecimal() and word[-1] in units:
        return now - timedelta(seconds=int(word[:-1]) * units[word[-1]])
    try:
        told = datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(
            f"'{word}' is no time", where="--since", cure="say 30m, 2h, 1d, or 2026-02-01T10:00:00 (in UTC)"
        ) from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
