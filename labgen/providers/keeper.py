"""What labgen asks of a provider that can keep the machines of a lab as they are at one moment, and bring them back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from labgen.errors import OperationError
from labgen.lab.model import Lab
from labgen.providers.base import Answer, Provider

Boot = Callable[[Mapping[str, str]], None]
"""Has Vagrant make the machines of nodes that have none, from these images: node → image."""

AT_ONCE = 4
"""Machines that are kept side by side: it is the disk that has to do it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Room:
    """What a checkpoint will take: MiB, and the folder on whose file system."""

    mib: int
    place: Path


class Keeper(Protocol):
    """Keeps machines under a mark: a word of lower-case letters and digits that no other checkpoint has.

    Each method raises OperationError when the provider's tool fails.
    """

    live: bool
    """Whether memory is kept too: then machines go on where they were, only their clocks have stood still."""

    def room(self, lab: Lab, /) -> Room:
        """What keeping the lab's machines now will take, at most."""
        ...

    def save(self, lab: Lab, mark: str, /) -> dict[str, int]:
        """Keep all machines, which run, as they are at one moment; node → bytes. They run again when this returns,
        or raises, be it for Ctrl-C."""
        ...

    def restore(self, lab: Lab, mark: str, boot: Boot, /) -> None:
        """Bring all machines back as MARK has them, and running; BOOT makes those that have to be made anew."""
        ...

    def kept(self, lab: Lab, /) -> dict[str, frozenset[str]]:
        """Mark → the nodes that something is kept of, for every mark of the lab, whole or not."""
        ...

    def drop(self, lab: Lab, mark: str, /) -> None:
        """Remove what is kept under MARK; what a machine is made of stays until that goes."""
        ...

    def thaw(self, lab: Lab, /) -> None:
        """Have machines go on that a `save` which was killed has left paused."""
        ...

    def release(self, lab: Lab, nodes: Collection[str], /) -> None:
        """Called before the machines of NODES are destroyed: nothing that is kept may stand in the way."""
        ...

    def sweep(self, lab: Lab, /) -> None:
        """Remove everything that is kept of the lab, whose machines are gone."""
        ...


def keeper_of(provider: Provider) -> Keeper | None:
    """The provider's keeper; None for one that has none, as those of third parties may."""
    keeper: Keeper | None = getattr(provider, "keeper", None)
    return keeper


def require_keeper(provider: Provider, lab: str) -> Keeper:
    """The provider's keeper; raises OperationError with the reason why there is none."""
    if keeper := keeper_of(provider):
        return keeper
    raise OperationError(
        f"there are no checkpoints with {provider.name}: {getattr(provider, 'no_keeper', 'it offers none')}",
        where=lab,
        cure="docker and libvirt have them: a second lab with --provider docker and another --name",
    )


def certainly(work: Callable[[], object]) -> None:
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


def must(answer: Answer, what: str, lab: Lab) -> Answer:
    """ANSWER, if it is a good one; else raises OperationError: WHAT could not be done."""
    if answer.rc == 0:
        return answer
    said = (answer.stderr or answer.stdout).strip().splitlines()[-4:]
    raise OperationError(
        what, where=lab.name, detail=said, cure=f"put right what the last lines say; labgen status {lab.name}"
    )
