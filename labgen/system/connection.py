"""What labgen knows of a node: it runs commands. How they get there is the business of `labgen.provision.ssh`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True)
class CommandResult:
    """What a command did. `rc` is its exit code, or -1 if a signal ended it."""

    command: str
    rc: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.rc == 0


class Connection(Protocol):
    """A way to run commands as root on one node; may be used from several threads."""

    def run(
        self,
        command: str,
        *,
        stdin: bytes | BinaryIO | None = None,
        timeout: float | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> CommandResult:
        """Run COMMAND (shell text) to its end. Any exit code is a result.

        on_output gets stdout and stderr as they arrive. Raises NodeError if the node is lost, or the command did not
        end within TIMEOUT seconds or was cancelled; its processes are then ended on the node too.
        """
        ...

    def cancel(self) -> None:
        """End the commands that run now, in whatever thread they were started; later ones are not affected."""
        ...

    def close(self) -> None:
        """Give the connection up."""
        ...
