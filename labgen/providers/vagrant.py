"""Vagrant, driven through python-vagrant, with what that lacks: streamed output, a log a call, deadlines, errors."""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from labgen.errors import HostError, VagrantError
from labgen.providers.endpoint import Endpoint
from labgen.providers.process import Overdue, Program, Stopped

# python-vagrant warns at import where Vagrant is missing; `problems()` of a provider says it properly.
logging.getLogger("vagrant").addHandler(logging.NullHandler())

import vagrant as python_vagrant  # noqa: E402

TAIL = 15
"""Vagrant's last lines that an error shows."""

STATES = {
    "not_created": "absent",
    "poweroff": "stopped",
    "shutoff": "stopped",
    "aborted": "stopped",
    "exited": "stopped",
    "saved": "paused",
}
"""The providers' words for one and the same state, as labgen says it."""

BACKTRACE = re.compile(r"\s+(from|\d+: from) .*:\d+:in ")
"""A line of Ruby's backtrace below its first."""

INSTALL_VAGRANT = "install it: sudo apt-get install vagrant"


@dataclass(frozen=True)
class Box:
    """A box that Vagrant has in store."""

    name: str
    provider: str
    version: str


class _Client(python_vagrant.Vagrant):
    """python-vagrant's commands and parsers on top of our way to run Vagrant."""

    def __init__(self, root: Path, start: Callable[[Sequence[str]], str]) -> None:
        super().__init__(root=str(root))  # type: ignore[no-untyped-call]
        self._start = start

    def _call_vagrant_command(self, args: Sequence[str | None]) -> None:
        self._start([arg for arg in args if arg is not None])

    def _run_vagrant_command(self, args: Sequence[str | None]) -> str:
        return self._start([arg for arg in args if arg is not None])


class Vagrant:
    """The Vagrant environment of one rendered folder. Ctrl-C ends Vagrant, then goes on.

    To be used by one thread at a time, `lost` and `interrupt` aside.
    """

    def __init__(
        self,
        root: Path,
        logs: Path,
        env: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """ROOT holds the Vagrantfile; each call writes a log into LOGS and gives its lines to ON_LINE."""
        self._root = root
        self._logs = logs
        self._env = _environment(root, env or {})
        self._on_line = on_line
        self._program: Program | None = None

    def up(self, nodes: Iterable[str] = (), *, provider: str | None = None, timeout: float = 600) -> None:
        """Boot NODES (all), in parallel where the provider can. No provisioner runs."""
        chosen = () if provider is None else (f"--provider={provider}",)
        self._run(["up", *nodes, "--no-provision", *chosen], timeout)

    def halt(self, nodes: Iterable[str] = (), *, force: bool = False, timeout: float = 900) -> None:
        """Shut NODES (all) down, as Vagrant does it: one after the other. FORCE pulls the plug."""
        self._run(["halt", *nodes, *(("--force",) if force else ())], timeout)

    def destroy(self, nodes: Iterable[str] = (), *, parallel: bool = True, timeout: float = 300) -> None:
        """Remove NODES (all) without asking, at the same time unless PARALLEL is false."""
        self._run(["destroy", *nodes, "--force", *(["--parallel"] if parallel else [])], timeout)

    def lost(self, nodes: Iterable[str], provider: str) -> list[str]:
        """Those of NODES that Vagrant keeps no id of: for it they do not exist."""
        machines = self._root / ".vagrant" / "machines"
        return [node for node in nodes if not _has_id(machines / node / provider / "id")]

    def interrupt(self) -> bool:
        """From another thread: end the Vagrant that runs, as Ctrl-C does; whether one does."""
        program = self._program
        if program is not None:
            program.stop()
        return program is not None

    def status(self, *, timeout: float = 120) -> dict[str, str]:
        """Node → `running`, `stopped`, `paused`, `absent`, or the provider's own word."""
        found: Any = self._client(timeout).status()  # type: ignore[no-untyped-call]
        return {entry.name: STATES.get(entry.state, entry.state) for entry in found if entry.name and entry.state}

    def ssh_config(self, key: Path | None = None, *, timeout: float = 120) -> dict[str, Endpoint]:
        """Where the running nodes answer SSH; KEY takes the place of the key that Vagrant names."""
        return parse_ssh_config(self._run(["ssh-config"], timeout, accept=(0, 1)), key)

    def validate(self, *, ignore_provider: bool = False, timeout: float = 120) -> None:
        """Raise VagrantError if Vagrant rejects the Vagrantfile; IGNORE_PROVIDER where that is not installed."""
        self._run(["validate", *(("--ignore-provider",) if ignore_provider else ())], timeout)

    def version(self) -> str:
        return str(self._client(30).version())  # type: ignore[no-untyped-call]

    def plugins(self) -> dict[str, str]:
        """The installed plugins' versions."""
        found: Any = self._client(60).plugin_list()  # type: ignore[no-untyped-call]
        return {plugin.name: plugin.version or "" for plugin in found}

    def box_list(self) -> list[Box]:
        """The boxes in the user's store."""
        found: Any = self._client(60).box_list()  # type: ignore[no-untyped-call]
        return [Box(box.name, box.provider, box.version) for box in found]

    def box_add(self, name: str, file: Path, provider: str, *, timeout: float = 600) -> None:
        """Store FILE as box NAME, in place of one that is there."""
        self._client(timeout).box_add(name, str(file), provider=provider, force=True)  # type: ignore[no-untyped-call]

    def box_remove(self, name: str, provider: str, *, timeout: float = 120) -> None:
        """Take box NAME out of the store."""
        self._client(timeout).box_remove(name, provider)  # type: ignore[no-untyped-call]

    def _client(self, timeout: float) -> _Client:
        return _Client(self._root, partial(self._run, timeout=timeout))

    def _run(self, args: Sequence[str], timeout: float, accept: Sequence[int] = (0,)) -> str:
        """Run Vagrant; its standard output, or VagrantError with its last lines."""
        program = shutil.which("vagrant", path=self._env.get("PATH"))
        if program is None:
            raise HostError("Vagrant is not installed", cure=INSTALL_VAGRANT)
        command = "vagrant " + " ".join(args)
        log = self._next_log(next(arg for arg in args if not arg.startswith("-")) if args[0][0] != "-" else "version")
        with log.open("wb", buffering=0) as file, _Lines(self._on_line) as lines:
            file.write(f"# {command}\n".encode())

            def take(data: bytes) -> None:
                file.write(data)
                lines.take(data)

            try:
                self._program = Program([program, *args], cwd=self._root, env=self._env, on_output=take)
                ended = self._program.wait(timeout)
            except Overdue:
                raise self._error(f"`{command}` did not end within {timeout:g} s", log, lines.last) from None
            except Stopped:
                raise self._error(f"`{command}` was ended", log, lines.last) from None
            finally:
                self._program = None
                lines.flush()
            file.write(f"# exit code {ended.rc}\n".encode())
        if ended.rc not in accept:
            said = _last(ended.stderr) or lines.last
            raise self._error(f"`{command}` failed with exit code {ended.rc}", log, said)
        return ended.stdout

    def _error(self, what: str, log: Path, lines: Sequence[str]) -> VagrantError:
        return VagrantError(
            what, where=log, detail=lines[-TAIL:], cure="put right what Vagrant says, then repeat the command"
        )

    def _next_log(self, what: str) -> Path:
        self._logs.mkdir(parents=True, exist_ok=True)
        taken = (path.name.split("-")[1] for path in self._logs.glob("vagrant-*-*.log"))
        number = max((int(text) for text in taken if text.isdigit()), default=0) + 1
        return self._logs / f"vagrant-{number:02}-{what}.log"


class _Lines:
    """Cuts a stream into lines; remembers the last ones."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._rest = b""
        self.last: list[str] = []

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._put(line)

    def flush(self) -> None:
        if self._rest:
            self._put(self._rest)
            self._rest = b""

    def _put(self, raw: bytes) -> None:
        # A progress bar redraws its line after carriage returns: what it showed last counts.
        line = raw.decode(errors="replace").rstrip().rpartition("\r")[2]
        if not line:
            return
        self.last = [*self.last[-TAIL + 1 :], line]
        if self._on_line:
            self._on_line(line)


def _last(text: str) -> list[str]:
    # Where Ruby came from is for the log; what it says first is what happened.
    return [line.rstrip() for line in text.splitlines() if line.strip() and not BACKTRACE.match(line)][-TAIL:]


def _environment(root: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what would point Vagrant at another folder; VAGRANT_HOME stays the user's."""
    foreign = ("VAGRANT_CWD", "VAGRANT_VAGRANTFILE", "VAGRANT_DOTFILE_PATH", "VAGRANT_DEFAULT_PROVIDER", "VAGRANT_LOG")
    env = {name: value for name, value in os.environ.items() if name not in foreign}
    own = {"VAGRANT_CWD": str(root), "VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_NO_COLOR": "1"}
    return {**env, **own, **extra}


def parse_ssh_config(text: str, key: Path | None = None) -> dict[str, Endpoint]:
    """The hosts in the output of `vagrant ssh-config`, each with its own values."""
    # Imported here: paramiko takes longer to import than most commands take to run.
    from paramiko import SSHConfig  # noqa: PLC0415

    config = SSHConfig()
    config.parse(io.StringIO(text))
    endpoints = {}
    for node in sorted(config.get_hostnames() - {"*"}):
        host = config.lookup(node)
        identity = key or Path(host["identityfile"][0])
        endpoints[node] = Endpoint(host["hostname"], int(host.get("port", "22")), host["user"], identity)
    return endpoints


def _has_id(file: Path) -> bool:
    """Whether Vagrant knows the machine; while it makes one, the file says `preparing`."""
    try:
        return file.read_text() not in ("", "preparing")
    except OSError:
        return False
