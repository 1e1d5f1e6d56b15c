"""One login to a node over SSH: with the lab's key alone, and the host key that is remembered."""

from __future__ import annotations

import socket
import threading
import time

import paramiko

from labgen.errors import NodeError
from labgen.providers.endpoint import Endpoint
from labgen.provision.known_hosts import KnownHosts
from labgen.system.waiting import WaitTimeout, wait_until

LOST = (paramiko.SSHException, OSError, EOFError)
"""What paramiko raises when a connection is gone."""
PAUSE, LONGEST_PAUSE = 0.05, 0.15
"""Seconds between two tries, the first and the longest."""
REFUSED, REFUSED_AGAIN = 0.3, 2.0
"""The same after the key was refused for the first time, and after that."""


class HostKeyNotWritten(Exception):
    """The node's host key could not be written down here, which is not the node's fault; its cause is the OSError."""


def private_key(endpoint: Endpoint) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(endpoint.key)
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise NodeError(
            f"the lab's SSH key cannot be read: {error}",
            where=endpoint.key,
            cure="the lab's folder is damaged: `labgen destroy LAB --yes`, then `labgen up LAB`",
        ) from None


class Login:
    """Logging in to NODE, which may still be booting: tried until it works, TIMEOUT seconds are over or STOP is set."""

    def __init__(self, node: str, endpoint: Endpoint, hosts: KnownHosts, timeout: float, stop: threading.Event) -> None:
        self._node, self._endpoint, self._hosts, self._timeout, self._stop = node, endpoint, hosts, timeout, stop
        self._key = private_key(endpoint)
        self._deadline = time.monotonic() + timeout
        self._pause = PAUSE
        self._refused: str | None = None
        self._reason = ""

    def transport(self) -> paramiko.Transport:
        """Raises NodeError with the reason if nobody lets us in, OSError if the host key cannot be written down."""
        try:
            return wait_until("login", self._try, self._timeout, poll=self._next_pause, pause=self._stop.wait)
        except WaitTimeout:
            raise self._failure() from None

    def _try(self) -> paramiko.Transport | None:
        if self._reason and self._stop.is_set():
            raise self._failure()
        left = max(self._deadline - time.monotonic(), 1.0)
        try:
            return log_in(self._node, self._endpoint, self._key, self._hosts, left)
        except paramiko.AuthenticationException as error:
            # Passes while a machine boots, where sshd may be ready a moment before users are let in. But an sshd of
            # 2024 or later locks out who is refused three times in a short while.
            self._pause = REFUSED_AGAIN if self._refused else REFUSED
            self._reason = self._refused = ssh_reason(error)
        except LOST as error:
            self._reason = self._refused or ssh_reason(error)
        except HostKeyNotWritten as error:
            raise error.__cause__ or error from None
        return None

    def _next_pause(self) -> float:
        now, self._pause = self._pause, min(self._pause * 1.5, LONGEST_PAUSE)
        return now

    def _failure(self) -> NodeError:
        return NodeError(
            f"node {self._node} cannot be reached by SSH within {self._timeout:g} s: {self._reason}",
            where=f"{self._endpoint.user}@{self._endpoint.host}, port {self._endpoint.port}",
            cure="if it only is slow: labgen up LAB --boot-timeout SECONDS\n"
            "if it hangs: `labgen halt LAB`, then `labgen up LAB` start it anew; or labgen destroy LAB --yes",
        )


def log_in(node: str, endpoint: Endpoint, key: paramiko.PKey, hosts: KnownHosts, left: float) -> paramiko.Transport:
    """One attempt. Only the lab's key is offered: no agent, no keys of the user, no password."""
    timeout = min(left, 30.0)
    sock = socket.create_connection((endpoint.host, endpoint.port), timeout=min(left, 5.0))
    _tune(sock)
    transport: paramiko.Transport | None = None
    try:
        transport = paramiko.Transport(sock)
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = timeout
        _prefer(transport, hosts.key_type(node))
        transport.start_client(timeout=timeout)
        host_key = transport.get_remote_server_key()
        try:
            hosts.check(node, host_key.get_name(), host_key.get_base64())
        except OSError as error:
            raise HostKeyNotWritten from error
        transport.auth_publickey(endpoint.user, key)
    except BaseException:
        (transport or sock).close()
        raise
    return transport


def _prefer(transport: paramiko.Transport, key_type: str | None) -> None:
    """Ask for the host key that is remembered: a machine may have several."""
    options = transport.get_security_options()
    if key_type:
        # An RSA key is called ssh-rsa in files, but signs as rsa-sha2-256 or -512.
        family = "rsa" if key_type == "ssh-rsa" else key_type
        options.key_types = sorted(options.key_types, key=lambda kind: family not in kind)


def _tune(sock: socket.socket) -> None:
    # Nagle's algorithm holds back the small packets of a request: 45 ms a command instead of 3.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A machine without power sends no FIN: let the kernel find out, also while nothing is sent.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("KEEPIDLE", 5), ("KEEPINTVL", 5), ("KEEPCNT", 4), ("USER_TIMEOUT", 20_000)):
        if number := getattr(socket, f"TCP_{option}", None):
            sock.setsockopt(socket.IPPROTO_TCP, number, value)


def ssh_reason(error: BaseException) -> str:
    if isinstance(error, paramiko.AuthenticationException):
        return "it refuses the lab's key"
    if isinstance(error, EOFError):
        return "it ended the connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rstrip(".") or type(error).__name__
