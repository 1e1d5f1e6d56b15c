"""Machines seen from the host: how a provider cuts their power, pauses them, and undoes that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from labgen.providers.names import LabNames, machine_name

MACHINE_NAME = "{machine}"
"""Stands for the machine's name in the words of a command."""


class MachineAction(StrEnum):
    """What is done to a machine from outside."""

    OFF = "off"
    ON = "on"
    STOP = "stop"
    PAUSE = "pause"
    UNPAUSE = "unpause"


class MachineControl(Protocol):
    """The commands of one provider. An undo is one of them, on the disk: plain words, of use to any later process."""

    def command(self, lab: LabNames, node: str, action: MachineAction, /) -> tuple[str, ...]:
        """The words of the command on this host that does ACTION to the machine of NODE."""
        ...

    def nothing_left(self, said: str, /) -> bool:
        """Whether the tool, which failed and SAID this, means that there was nothing left to do."""
        ...


@dataclass(frozen=True)
class ControlCommands:
    """A MachineControl that is a table. MACHINE_NAME stands for the machine's name in `words`.

    STOP is an orderly end; a table without it cuts the power. done: what the tool says where there is nothing left to
    do, in lower case. more: words that go in after the first, asked for each time: they may depend on the environment.
    """

    words: Mapping[MachineAction, tuple[str, ...]]
    done: tuple[str, ...]
    more: Callable[[], tuple[str, ...]] = tuple

    def command(self, lab: LabNames, node: str, action: MachineAction) -> tuple[str, ...]:
        known = MachineAction.OFF if action is MachineAction.STOP and action not in self.words else action
        program, *rest = self.words[known]
        return (program, *self.more(), *(machine_name(lab, node) if word == MACHINE_NAME else word for word in rest))

    def nothing_left(self, said: str) -> bool:
        return any(text in said.lower() for text in self.done)
