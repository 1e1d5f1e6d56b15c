"""`verify`: does the lab do what its blueprint promises?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labgen.actions.session.connect import endpoints
from labgen.actions.session.open import existing_lab
from labgen.checks import CheckReport, CheckResult, run_checks
from labgen.providers import get_provider
from labgen.provision import Connections

ANSWER_WITHIN = 10.0  # seconds a node has to let us in; one that does not is reported by the checks


def verify(
    name: str,
    checks: Sequence[str] | None = None,
    on_result: Callable[[CheckResult], None] | None = None,
    *,
    settle: float = 0.0,
    note: Callable[[str], None] = lambda _: None,
) -> CheckReport:
    """Run the lab's checks (or only CHECKS); raises UnknownNameError for a lab or check that does not exist.

    settle: seconds during which a check that does not pass yet is asked again. NOTE hears which nodes are stopped.
    """
    opened = existing_lab(name)
    secrets = opened.folder.secrets(opened.lab)
    running = endpoints(opened)
    if stopped := [node.name for node in opened.lab.nodes if node.name not in running]:
        note(f"{', '.join(stopped)} {'is' if len(stopped) == 1 else 'are'} not running")
        note(f"  next:  labgen up {name}")
    with Connections(running, opened.folder.known_hosts, timeout=ANSWER_WITHIN) as connections:
        sequential = get_provider(opened.lab.provider).emulated
        return run_checks(opened.lab, secrets, connections, checks, on_result, settle=settle, sequential=sequential)
