"""What snapshotters share: work that Ctrl-C may not cut off, machines side by side, answers that have to be good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from labgen.errors import OperationError
from labgen.providers.names import LabNames
from labgen.system.tools import ToolResult

AT_ONCE = 4
"""Machines that are kept side by side: it is the disk that has to do it."""

T = TypeVar("T")


def uninterruptible(work: Callable[[], object]) -> None:
    """Do WORK to its end, again from its beginning if Ctrl-C falls into it; Ctrl-C then counts afterwards."""
    pressed: KeyboardInterrupt | None = None
    for _ in range(5):
        try:
            work()
            break
        except KeyboardInterrupt as interrupt:
            pressed = interrupt
    if pressed is not None:
        raise pressed


def side_by_side(work: Callable[[str], T], nodes: Sequence[str]) -> dict[str, T]:
    """Node → what WORK gives for it; after the first failure, or Ctrl-C, nothing more is begun."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tasks = {node: pool.submit(work, node) for node in nodes}
        try:
            return {node: task.result() for node, task in tasks.items()}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def require_ok(answer: ToolResult, what: str, lab: LabNames) -> ToolResult:
    """ANSWER, if it is a good one; else raises OperationError: WHAT could not be done."""
    if answer.rc == 0:
        return answer
    said = (answer.stderr or answer.stdout).strip().splitlines()[-4:]
    raise OperationError(
        what, where=lab.name, detail=said, cure=f"put right what the last lines say; labgen status {lab.name}"
    )
