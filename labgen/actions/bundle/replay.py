"""`replay`: the lab of a bundle, made again on this machine and compared with the one that was bundled.

A bundle is somebody else's word. What is taken from it is data: a blueprint, values, and scripts for the nodes.
Machines, files and steps are made of them by this labgen; nothing that was rendered elsewhere is used, and nothing of
it runs here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labgen.actions.bundle.proposal import HOME, NO_LOCK, ReplayProposal, settled
from labgen.actions.lab.destroy import destroy
from labgen.actions.lab.ranges import in_a_free_range
from labgen.actions.lab.up import bring_up
from labgen.actions.lab.verify import ANSWER_WITHIN
from labgen.actions.repro.run import run_reproduction
from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import LabRequest, OpenLab
from labgen.actions.session.reporter import Reporter
from labgen.bundle.collect import PACKAGES, installed, packages_in
from labgen.bundle.compare import CheckPair, check_pairs, package_differences
from labgen.bundle.model import NODES, About
from labgen.checks import CheckReport
from labgen.errors import PackageError
from labgen.provision import Connections
from labgen.reading import LARGEST_RECORD, read_plain
from labgen.repro.judge import ReproVerdict
from labgen.repro.play import Attempt
from labgen.repro.result import ReproOutcome

GONE = (
    "have them sent from where the lab was made: labgen fetch LAB --lock labgen.lock -o FILE there, with the bundle's\n"
    f"lock, and labgen fetch --from FILE here; or {NO_LOCK}"
)


@dataclass(frozen=True)
class Replayed:
    """What came of it. packages: how those of the nodes differ from the bundle's, a line each.

    outcome: of the bundle's reproduction, None if it has none; then: the verdict that the bundle has, if any. The
    checks are compared where there is no reproduction: after one the lab is in whatever condition that leaves it.
    """

    lab: str
    packages: tuple[str, ...]
    checks: tuple[CheckPair, ...]
    outcome: ReproOutcome | None
    then: str
    kept: bool

    @property
    def same(self) -> bool:
        """Whether the lab does what the bundled one did."""
        if self.outcome is not None:
            return self.outcome.verdict.value == (self.then or ReproVerdict.REPRODUCED.value)
        return all(pair.same for pair in self.checks)


def replay(
    offer: ReplayProposal,
    reporter: Reporter,
    *,
    keep: bool = True,
    offline: bool = False,
    on_try: Callable[[Attempt], None] = lambda _: None,
) -> Replayed:
    """Make the lab of OFFER and compare it; without KEEP it is destroyed again, whatever came of it.

    Raises what `up` raises; PackageError names the packages of the lock that cannot be had any more.
    """
    opened, about = settled(offer), offer.about
    home = opened.folder.path / HOME
    outcome, report = None, None
    try:
        try:
            if about.reproduction:
                # From here on there is a lab, of which no machine is there yet.
                opened.save()
                request = LabRequest(lab=opened.lab.name)
                document = home / about.reproduction.member
                outcome = run_reproduction(document, reporter, request, offline=offline, on_try=on_try)
            else:
                with opened.folder.locked():
                    made = in_a_free_range(opened, reporter, lambda it: bring_up(it, reporter, offline=offline))
                    opened, report = made.opened, made.report
        except PackageError as error:
            raise PackageError(error.what, where=offer.source, detail=error.detail, cure=GONE) from None
        return _compared(opened, about, outcome, report, kept=keep)
    finally:
        if not opened.folder.exists():
            opened.folder.remove()
        elif not keep:
            destroy(opened.lab.name)


def _compared(
    opened: OpenLab, about: About, outcome: ReproOutcome | None, report: CheckReport | None, *, kept: bool
) -> Replayed:
    """The lab that was made, beside what the bundle says ABOUT its own."""
    with Connections(endpoints(opened), opened.folder.known_hosts, timeout=ANSWER_WITHIN) as connections:
        now = installed(connections)
    checks = {} if report is None else {result.name: result.status.value for result in report.results}
    return Replayed(
        lab=opened.lab.name,
        packages=tuple(package_differences(_bundled(opened.folder.path / HOME), now)),
        checks=check_pairs(about.checks, checks) if about.checks and report is not None else (),
        outcome=outcome,
        then=about.reproduction.verdict if about.reproduction else "",
        kept=kept,
    )


def _bundled(home: Path) -> dict[str, tuple[str, ...]]:
    """Node → the packages that it had."""
    lists = (home / NODES).glob(f"*/{PACKAGES}")
    return {path.parent.name: packages_in(read_plain(path, LARGEST_RECORD).decode(errors="replace")) for path in lists}
