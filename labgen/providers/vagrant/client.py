"""python-vagrant, with what its runner lacks: streamed output, a log a call, deadlines, errors that say what to do."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from labgen.errors import HostError, VagrantError
from labgen.providers.process import Overdue, Program, Stopped
from labgen.providers.vagrant.log import TAIL, CallLog, next_log
from labgen.providers.vagrant.parsing import telling_lines

# python-vagrant warns at import where Vagrant is missing; `problems()` of a provider says it properly.
logging.getLogger("vagrant").addHandler(logging.NullHandler())

import vagrant as python_vagrant  # noqa: E402

INSTALL_VAGRANT = "install it: sudo apt-get install vagrant"

ACCEPTED = {"ssh-config": (0, 1)}
"""Exit codes that are no failure, by command. With no machine that runs there is no SSH configuration."""

Word = str | Sequence[str] | None
"""An argument as python-vagrant hands it on: where its methods take a name, several words may stand."""


class Client(python_vagrant.Vagrant):
    """python-vagrant in one folder. Its commands end up in `_call_vagrant_command` and `_run_vagrant_command`.

    To be used by one thread at a time, `interrupt` aside.
    """

    def __init__(
        self, root: Path, logs: Path | None, env: Mapping[str, str], on_line: Callable[[str], None] | None = None
    ) -> None:
        """ROOT: where Vagrant runs. LOGS: a folder that gets a file a call, or None. ENV: more of the environment."""
        super().__init__(root=str(root), env=_environment(root, env))  # type: ignore[no-untyped-call]
        self.timeout = 120.0
        """Seconds that the next call may take."""
        self._logs, self._on_line = logs, on_line
        self._program: Program | None = None

    def interrupt(self) -> bool:
        """From another thread: end the Vagrant that runs, as Ctrl-C does; whether one does."""
        program = self._program
        if program is not None:
            program.stop()
        return program is not None

    def validate(self, *options: str) -> None:
        """python-vagrant's own goes past its runner, and knows no options."""
        self._call_vagrant_command(["validate", *options])

    def _call_vagrant_command(self, args: Iterable[Word]) -> None:
        self._run_vagrant_command(args)

    def _run_vagrant_command(self, args: Iterable[Word]) -> str:
        """Run Vagrant; its standard output, or VagrantError with its last lines."""
        words = _flat(args)
        try:
            command = self._make_vagrant_command(words)  # type: ignore[no-untyped-call]
        except RuntimeError:
            raise HostError("Vagrant is not installed", cure=INSTALL_VAGRANT) from None
        return self._follow(command, words)

    def _follow(self, command: Sequence[str], words: Sequence[str]) -> str:
        shown = "vagrant " + " ".join(words)
        what = next((word for word in words if not word.startswith("-")), "version")
        with CallLog(next_log(self._logs, what) if self._logs else None, shown, self._on_line) as log:
            try:
                self._program = Program(command, cwd=Path(self.root), env=self.env, on_output=log.take)
                ended = self._program.wait(self.timeout)
            except Overdue:
                raise _error(f"`{shown}` did not end within {self.timeout:g} s", log, log.last) from None
            except Stopped:
                raise _error(f"`{shown}` was ended", log, log.last) from None
            finally:
                self._program = None
                log.flush()
            log.note(f"exit code {ended.rc}")
        if ended.rc not in ACCEPTED.get(what, (0,)):
            said = telling_lines(ended.stderr) or log.last
            raise _error(f"`{shown}` failed with exit code {ended.rc}", log, said)
        return ended.stdout


def _flat(args: Iterable[Word]) -> list[str]:
    words: list[str] = []
    for arg in args:
        words += [arg] if isinstance(arg, str) else arg or ()
    return words


def _error(what: str, log: CallLog, lines: Sequence[str]) -> VagrantError:
    cure = "put right what Vagrant says, then repeat the command"
    return VagrantError(what, where=log.path, detail=lines[-TAIL:], cure=cure)


def _environment(root: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what would point Vagrant at another folder; VAGRANT_HOME stays the user's."""
    foreign = ("VAGRANT_CWD", "VAGRANT_VAGRANTFILE", "VAGRANT_DOTFILE_PATH", "VAGRANT_DEFAULT_PROVIDER", "VAGRANT_LOG")
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    own = {"VAGRANT_CWD": str(root), "VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_NO_COLOR": "1"}
    return {**env, **own, **extra}
