"""Commands on a node over SSH, by paramiko: one transport a node, one channel a command."""

from __future__ import annotations

import logging
import select
import shlex
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

import paramiko

from labgen.errors import NodeError
from labgen.providers.endpoint import Endpoint
from labgen.provision.known_hosts import KnownHosts
from labgen.provision.login import LOST, Login, ssh_reason
from labgen.system.connection import CommandResult

# paramiko logs a lost connection with its traceback; labgen says it in its own words.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

SESSIONS = 7
"""Commands at a time on one node: sshd's MaxSessions is 10 by default, and ending a command needs one more."""

QUIET = 15.0
"""Seconds without a byte after which the node is asked whether it is still there."""

ANSWER = 10.0
"""Seconds in which a living node answers a request, even an emulated one under load."""

KILL_AFTER = 5
"""Seconds between SIGTERM and SIGKILL for a command that has to end."""

CHUNK = 1 << 16

# `timeout` puts the command into a process group of its own and ends that group by the clock of the node, so it ends
# even when the controller is gone. The first line of output is the group's number, for ending it earlier.
_WRAPPER = 'cd / && echo "$PPID" && exec bash -c "$0"'


@dataclass
class _Running:
    """A command under way."""

    command: str
    channel: paramiko.Channel
    group: int | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    head: bytes = b""
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    def take_stdout(self, data: bytes) -> bytes:
        """Keep DATA; gives back what of it belongs to the command: all but the first line."""
        if self.group is None:
            self.head += data
            first, newline, data = self.head.partition(b"\n")
            if not newline:
                return b""
            self.group = int(first) if first.isdigit() else 0
        self.stdout += data
        return data


class SshConnection:
    """A `Connection` to a node that is up; `connect` makes one."""

    def __init__(self, node: str, transport: paramiko.Transport) -> None:
        self._node = node
        self._transport = transport
        self._slots = threading.BoundedSemaphore(SESSIONS)
        self._running: dict[int, _Running] = {}

    @classmethod
    def connect(
        cls,
        node: str,
        endpoint: Endpoint,
        hosts: KnownHosts,
        *,
        timeout: float,
        stop: threading.Event | None = None,
    ) -> SshConnection:
        """Log in to a node that may still be booting: tries until it works, TIMEOUT seconds are over or STOP is set."""
        login = Login(node, endpoint, hosts, timeout, stop or threading.Event())
        return cls(node, login.transport())

    @property
    def alive(self) -> bool:
        return self._transport.is_active()

    def run(
        self,
        command: str,
        *,
        stdin: bytes | BinaryIO | None = None,
        timeout: float | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> CommandResult:
        limit = ("timeout", f"--kill-after={KILL_AFTER}", f"{timeout or 0:.3f}")
        wrapped = shlex.join(("sudo", "-n", "-H", "--", *limit, "bash", "-c", _WRAPPER, command))
        with self._slots:
            started = time.monotonic()
            try:
                channel = self._transport.open_session(timeout=ANSWER)
            except LOST as error:
                raise self._lost(error) from None
            running = self._running[id(channel)] = _Running(command, channel)
            try:
                channel.settimeout(None)
                channel.exec_command(wrapped)
                _feed(channel, stdin)
                self._follow(running, None if timeout is None else started + timeout, on_output)
            except LOST as error:
                raise self._lost(error) from None
            except BaseException:
                # Ctrl-C, or the caller's `on_output` gave up: closing the channel alone leaves the command running.
                self._kill(running.group)
                raise
            finally:
                del self._running[id(channel)]
                channel.close()
        seconds = time.monotonic() - started
        rc = channel.exit_status
        if running.cancelled.is_set():
            raise NodeError(f"a command on node {self._node} was ended", where=_short(command))
        if timeout is not None and seconds >= timeout and rc in (124, 137, -1):
            raise self._late(command, timeout)
        if rc == -1 and not self.alive:
            raise self._lost(EOFError())
        out, err = (bytes(part).decode(errors="replace") for part in (running.stdout, running.stderr))
        return CommandResult(command, rc, out, err, seconds)

    def cancel(self) -> None:
        for running in list(self._running.values()):
            running.cancelled.set()

    def close(self) -> None:
        self._transport.close()

    def _follow(self, running: _Running, deadline: float | None, on_output: Callable[[bytes], None] | None) -> None:
        """Collect the output of a command until it has ended; see to deadlines, cancelling and a silent node."""
        channel = running.channel
        poll = select.poll()
        poll.register(channel.fileno(), select.POLLIN)
        heard = time.monotonic()
        killed: float | None = None
        while True:
            got = False
            while channel.recv_ready() or channel.recv_stderr_ready():
                got = True
                if channel.recv_ready():
                    data = running.take_stdout(channel.recv(CHUNK))
                else:
                    data = channel.recv_stderr(CHUNK)
                    running.stderr += data
                if on_output and data:
                    on_output(data)
            now = time.monotonic()
            if got:
                heard = now
            elif channel.exit_status_ready() and (channel.eof_received or channel.closed or now - heard > 1):
                # A daemon that keeps its parent's output open must not keep us here.
                return
            if running.cancelled.is_set() and killed is None and (running.group or channel.closed):
                self._kill(running.group)
                killed = now
            overdue = (deadline is not None and now > deadline + KILL_AFTER + ANSWER) or (
                killed is not None and now > killed + KILL_AFTER + ANSWER
            )
            if overdue:
                self.close()
                raise TimeoutError("it gives no answer")
            if now - heard > QUIET:
                self._ask()
                heard = time.monotonic()
            poll.poll(200)

    def _ask(self) -> None:
        """Make sure that sshd still answers: TCP's keepalive also holds for a frozen machine."""
        try:
            self._transport.open_session(timeout=ANSWER).close()
        except paramiko.ChannelException:
            return
        except LOST:
            self.close()
            raise

    def _kill(self, group: int | None) -> None:
        if not group or not self.alive:
            return
        with suppress(*LOST):
            channel = self._transport.open_session(timeout=ANSWER)
            channel.settimeout(ANSWER)
            channel.exec_command(f"sudo -n -- bash -c 'kill -TERM -- -{group}'")
            channel.status_event.wait(ANSWER)
            channel.close()

    def _lost(self, error: BaseException) -> NodeError:
        return NodeError(
            f"the connection to node {self._node} was lost: {ssh_reason(error)}",
            cure="look whether the node runs (`labgen status LAB`), then repeat the command",
        )

    def _late(self, command: str, timeout: float) -> NodeError:
        return NodeError(f"a command on node {self._node} did not end within {timeout:g} s", where=_short(command))


def _feed(channel: paramiko.Channel, stdin: bytes | BinaryIO | None) -> None:
    """Send STDIN and its end, in a thread where it might fill the channel's window."""
    if stdin is None:
        channel.shutdown_write()
        return
    source = BytesIO(stdin) if isinstance(stdin, bytes) else stdin

    def send() -> None:
        # A command may end without reading its input; its exit code tells what came of it.
        with suppress(*LOST):
            while data := source.read(CHUNK):
                channel.sendall(data)
            channel.shutdown_write()

    threading.Thread(target=send, daemon=True).start()


def _short(command: str) -> str:
    first = command.strip().partition("\n")[0]
    return first if len(first) <= 100 else first[:97] + "..."
