"""Host keys and the set of connections; what needs a real sshd is in the integration tests."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from labgen.errors import NodeError
from labgen.providers import Endpoint
from labgen.provision import Connections, forget_host, known_hosts
from labgen.provision.known_hosts import KnownHosts


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return path


class Server(paramiko.ServerInterface):
    """An sshd that knows one key and runs nothing: it prints a group number and what it was asked, then exits 0."""

    asked: ClassVar[list[float]] = []
    """When somebody asked to be let in, of all servers since a test emptied it."""

    def __init__(self, known: str) -> None:
        self.known = known

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        Server.asked.append(time.monotonic())
        good = username == "vagrant" and key.get_base64() == self.known
        return paramiko.common.AUTH_SUCCESSFUL if good else paramiko.common.AUTH_FAILED

    def check_channel_request(self, _kind: str, _chanid: int) -> int:
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        def answer() -> None:
            channel.recv(1)  # the client's end of input: it has the reply to its request by then
            channel.sendall(b"0\n" + command)
            channel.send_exit_status(0)
            channel.close()

        threading.Thread(target=answer, daemon=True).start()
        return True


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def serve(listener: socket.socket, known: str, host_key: paramiko.PKey) -> None:
    def loop() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(host_key)
            transport.start_server(threading.Event(), Server(known))

    threading.Thread(target=loop, daemon=True).start()


@pytest.fixture
def sshd(listener: socket.socket, key: Path) -> Endpoint:
    serve(listener, paramiko.PKey.from_path(key).get_base64(), paramiko.ECDSAKey.generate())
    return Endpoint("127.0.0.1", listener.getsockname()[1], "vagrant", key)


def test_a_command_runs_as_root_in_a_process_group_of_its_own(sshd: Endpoint, tmp_path: Path) -> None:
    with Connections({"n1": sshd}, tmp_path / "known_hosts", timeout=10) as connections:
        asked = connections["n1"].run("echo it's", timeout=5).stdout
    assert asked.startswith("sudo -n -H -- timeout --kill-after=5 5.000 bash -c ")
    assert asked.endswith("""'echo it'"'"'s'""")


def test_a_changed_host_key_is_refused_until_forgotten(sshd: Endpoint, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    KnownHosts(known).check("n1", "ecdsa-sha2-nistp256", "AAAA")
    started = time.monotonic()
    with pytest.raises(NodeError, match="another SSH host key") as caught:
        Connections({"n1": sshd}, known, timeout=10).open()
    assert time.monotonic() - started < 5
    assert caught.value.where == str(known)
    forget_host(known, ["n1"])
    with Connections({"n1": sshd}, known, timeout=10) as connections:
        connections.open()
    assert known.read_text().startswith("n1 ecdsa-sha2-nistp256 AAAA")


def test_a_host_key_that_cannot_be_written_down_is_no_lost_connection(
    sshd: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(known_hosts, "write_atomically", full)
    started = time.monotonic()
    with pytest.raises(OSError, match="No space left") as caught:
        Connections({"n1": sshd}, tmp_path / "known_hosts", timeout=10).open()
    assert time.monotonic() - started < 5
    assert caught.value.errno == errno.ENOSPC


def test_another_nodes_key_does_not_matter(tmp_path: Path) -> None:
    hosts = KnownHosts(tmp_path / "known_hosts")
    hosts.check("n1", "ssh-ed25519", "AAAA")
    hosts.check("n2", "ssh-ed25519", "BBBB")
    hosts.check("n1", "ssh-ed25519", "AAAA")
    hosts.forget(["n1"])
    assert hosts.key_type("n1") is None
    assert hosts.key_type("n2") == "ssh-ed25519"
    forget_host(tmp_path / "none", ["n1"])


def test_nobody_there_is_an_error_within_its_time(tmp_path: Path, listener: socket.socket, key: Path) -> None:
    port = listener.getsockname()[1]
    listener.close()
    started = time.monotonic()
    endpoints = {name: Endpoint("127.0.0.1", port, "vagrant", key) for name in ("n1", "n2")}
    with pytest.raises(NodeError) as caught:
        Connections(endpoints, tmp_path / "known_hosts", timeout=0.5).open()
    assert time.monotonic() - started < 5
    assert caught.value.what == "2 nodes cannot be reached"
    assert caught.value.detail[0] == "node n1 cannot be reached by SSH within 0.5 s: Connection refused"


def test_a_node_that_answers_late_is_waited_for(tmp_path: Path, listener: socket.socket, key: Path) -> None:
    host, port = listener.getsockname()
    listener.close()

    def boot() -> None:
        late = socket.create_server((host, port))
        serve(late, paramiko.PKey.from_path(key).get_base64(), paramiko.ECDSAKey.generate())

    threading.Timer(0.5, boot).start()
    with Connections({"n1": Endpoint(host, port, "vagrant", key)}, tmp_path / "known_hosts", timeout=20) as connections:
        connections.open()


def test_a_refused_key_is_the_reason_that_is_given(sshd: Endpoint, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="it refuses the lab's key"):
        Connections({"n1": Endpoint(sshd.host, sshd.port, "root", sshd.key)}, tmp_path / "k", timeout=1).open()


def test_a_refusal_is_asked_again_soon_and_then_seldom(sshd: Endpoint, tmp_path: Path) -> None:
    """While a machine boots the first one passes at once; an sshd of today locks out who is refused often."""
    Server.asked = []
    with pytest.raises(NodeError):
        Connections({"n1": Endpoint(sshd.host, sshd.port, "root", sshd.key)}, tmp_path / "k", timeout=1.5).open()
    first, second, *rest = Server.asked
    assert second - first < 1.2
    # The last one is made when the time is over; none in between.
    assert len(rest) <= 1
    assert all(moment - second > 0.9 for moment in rest)


def test_a_node_may_be_added_later(sshd: Endpoint, tmp_path: Path) -> None:
    with Connections({}, tmp_path / "known_hosts", timeout=10) as connections:
        with pytest.raises(NodeError, match="n1 is not running"):
            connections["n1"]
        connections.add({"n1": sshd})
        assert list(connections) == ["n1"]
        opened = connections["n1"]
        connections.add({"n1": sshd})
        assert connections["n1"] is opened


def test_closing_gives_up_what_is_being_opened(tmp_path: Path, listener: socket.socket, key: Path) -> None:
    port = listener.getsockname()[1]
    listener.close()
    connections = Connections({"n1": Endpoint("127.0.0.1", port, "vagrant", key)}, tmp_path / "k", timeout=60)
    threading.Timer(0.3, connections.close).start()
    started = time.monotonic()
    with pytest.raises(NodeError):
        connections.open()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("content", [None, "no key at all"])
def test_an_unreadable_key_is_said_at_once(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bad"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NodeError, match="SSH key cannot be read"):
        Connections({"n1": Endpoint("127.0.0.1", 1, "vagrant", path)}, tmp_path / "k", timeout=60).open()


def test_a_node_that_is_not_there(tmp_path: Path) -> None:
    connections = Connections({}, tmp_path / "k")
    assert "n1" not in connections
    with pytest.raises(NodeError, match="n1 is not running"):
        connections["n1"]
