"""The adapter around Vagrant, against a program that stands in for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import vagrant as python_vagrant

import labgen
from labgen.errors import HostError, VagrantError
from labgen.providers import Vagrant
from labgen.providers import process as process_module
from labgen.providers.endpoint import Endpoint
from labgen.providers.vagrant import parse_ssh_config
from tests.fakes.vagrant import install_vagrant

CASES = {
    "up": '''echo "Bringing machine $2 up"; echo "cwd=$PWD"
echo "home=${VAGRANT_HOME:-} cp=$VAGRANT_CHECKPOINT_DISABLE"''',
    "halt": 'echo "==> one"; echo "==> two" >&2; echo "The provider said no." >&2; exit 3',
    "destroy": "printf 'no newline'",
    "validate": "trap 'echo had INT; exit 1' INT; echo waiting; while :; do sleep 0.05; done",
    "ssh-config": "trap '' INT TERM; echo stubborn; while :; do sleep 0.05; done",
    "reload": "sleep 30 & echo daemon left",
    "status": r"""cat <<'END'
1424098924,web-1,metadata,provider,docker
1424098924,web-1,provider-name,docker
1424098924,web-1,state,running
1424098924,web-1,state-human-long,The VM is running. To stop this VM%!(VAGRANT_COMMA) halt it.
1424098924,,ui,info,Current machine states:\n\nweb-1
1424098924,db,provider-name,libvirt
1424098924,db,state,shutoff
1424098924,new,provider-name,libvirt
1424098924,new,state,not_created
1424098924,odd,state,preparing
END""",
    "box": r"""[ "$2" = list ] && cat <<'END'
1424141572,,ui,info,labgen/debian-13 (libvirt%!(VAGRANT_COMMA) 0)
1424141572,,box-name,labgen/debian-13
1424141572,,box-provider,libvirt
1424141572,,box-version,0
END""",
    "plugin": r"""echo '1,,plugin-name,vagrant-libvirt'
echo '1,vagrant-libvirt,plugin-version,0.11.2%!(VAGRANT_COMMA) system'""",
    "--version": "echo 'Vagrant 2.3.4'",
}


class Bench:
    def __init__(self, folder: Path, calls: Path) -> None:
        self.root, self.logs, self._calls = folder / "rendered", folder / "logs", calls
        self.root.mkdir()
        self.lines: list[str] = []
        self.vagrant = Vagrant(self.root, self.logs, on_line=self.lines.append)

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()

    @property
    def called(self) -> bool:
        return self._calls.exists()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("VAGRANT_CWD", "/somewhere/else")
    monkeypatch.setenv("VAGRANT_HOME", "/the/users")
    monkeypatch.setattr(
        process_module,
        "GENTLY",
        ((signal.SIGINT, 2.0), (signal.SIGTERM, 0.5), (signal.SIGKILL, 2.0)),
    )
    return Bench(tmp_path, install_vagrant(tmp_path, monkeypatch, CASES))


def test_up_streams_logs_and_runs_in_its_folder(bench: Bench) -> None:
    bench.vagrant.up(["a", "b"], provider="docker")
    assert bench.calls == ["up a b --no-provision --provider=docker"]
    assert bench.lines == ["Bringing machine a up", f"cwd={bench.root}", "home=/the/users cp=1"]
    log = (bench.logs / "vagrant-01-up.log").read_text().splitlines()
    assert log == ["# vagrant up a b --no-provision --provider=docker", *bench.lines, "# exit code 0"]


def test_every_call_has_a_log_of_its_own(bench: Bench) -> None:
    bench.vagrant.up()
    bench.vagrant.destroy(["a"])
    Vagrant(bench.root, bench.logs).up()
    assert sorted(path.name for path in bench.logs.iterdir()) == [
        "vagrant-01-up.log",
        "vagrant-02-destroy.log",
        "vagrant-03-up.log",
    ]
    assert bench.calls[1] == "destroy a --parallel --force"
    assert bench.lines[-1] == "no newline"


def test_a_failure_shows_what_vagrant_said(bench: Bench) -> None:
    with pytest.raises(VagrantError) as caught:
        bench.vagrant.halt()
    error = caught.value
    assert error.what == "`vagrant halt` failed with exit code 3"
    assert error.detail == ("==> two", "The provider said no.")
    assert error.where == str(bench.logs / "vagrant-01-halt.log")
    assert error.cure


def test_a_call_past_its_deadline_is_ended(bench: Bench) -> None:
    with pytest.raises(VagrantError, match=r"did not end within 2 s") as caught:
        bench.vagrant.validate(timeout=2)
    assert caught.value.detail[0] == "waiting"
    assert "had INT" in (bench.logs / "vagrant-01-validate.log").read_text()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same requests to end, in the same order, with less time for each."""
    shorter = tuple((number, seconds / 15) for number, seconds in process_module.GENTLY)
    monkeypatch.setattr(process_module, "GENTLY", shorter)


@pytest.mark.usefixtures("hasty")
def test_one_that_ignores_every_request_is_killed(bench: Bench) -> None:
    with pytest.raises(VagrantError):
        bench.vagrant.ssh_config(timeout=2)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("call", "times"), [("validate", 1), ("ssh_config", 1), ("ssh_config", 3)])
def test_ctrl_c_ends_vagrant_then_goes_on(bench: Bench, call: str, times: int) -> None:
    def press() -> None:
        while not bench.lines:
            time.sleep(0.01)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the end of the call is part of it
        try:
            getattr(bench.vagrant, call)()
        finally:
            # On a slow machine a press may come after the call has ended.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    presser.join()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    mine = [path for path in Path("/proc").glob("[0-9]*/environ") if str(bench.root).encode() in _read(path)]
    assert not [path for path in mine if path.parent.name != str(os.getpid())]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_kill_of_labgen_ends_vagrant_too(tmp_path: Path) -> None:
    # The child's shell writes its process id, then waits for ever.
    code = (
        "import sys; from pathlib import Path; from labgen.providers.process import Program; "
        "Program(['sh', '-c', 'echo $$ >pid; exec sleep 600'], cwd=Path(sys.argv[1]), env={'PATH': '/usr/bin:/bin'}, "
        "on_output=print).wait(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    pid = tmp_path / "pid"
    try:
        until(lambda: pid.exists() and pid.read_text().strip())
        child = Path("/proc") / pid.read_text().strip()
        assert child.exists()
    finally:
        parent.kill()
        parent.wait()
    until(lambda: not child.exists())


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_daemon_that_keeps_the_output_open_does_not_hold_us(bench: Bench) -> None:
    started = time.monotonic()
    bench.vagrant._client.reload()
    assert time.monotonic() - started < 5
    assert bench.lines == ["daemon left"]


THROUGH_PYTHON_VAGRANT: dict[str, Callable[[Vagrant], object]] = {
    "up": lambda it: it.up(["a", "b"]),
    "halt": lambda it: it.halt(["a"]),
    "destroy": lambda it: it.destroy(),
    "status": lambda it: it.status(),
    "ssh_config": lambda it: it.ssh_config(),
    "validate": lambda it: it.validate(),
    "version": lambda it: it.version(),
    "plugins": lambda it: it.plugins(),
    "box_list": lambda it: it.box_list(),
    "box_add": lambda it: it.box_add("box", Path("file"), "libvirt"),
    "box_remove": lambda it: it.box_remove("box", "libvirt"),
}


class Broken(Exception):
    """What python-vagrant raises when a test has broken it."""


@pytest.mark.parametrize("call", THROUGH_PYTHON_VAGRANT)
def test_there_is_no_way_past_python_vagrant(bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """With that broken from which python-vagrant's own runners begin, Vagrant does nothing, for any provider."""

    def broken(*_: object) -> None:
        raise Broken

    monkeypatch.setattr(python_vagrant.Vagrant, "_make_vagrant_command", broken)
    with pytest.raises(Broken):
        THROUGH_PYTHON_VAGRANT[call](bench.vagrant)
    assert not bench.called


def test_nobody_else_runs_vagrant() -> None:
    sources = sorted(Path(labgen.__file__).parent.rglob("*.py"))
    assert sources
    assert not [path for path in sources if re.search(r"""\[\s*["']vagrant["']""", path.read_text())]


@pytest.mark.parametrize(("call", "method"), [("up", "up"), ("halt", "halt"), ("destroy", "destroy")])
@pytest.mark.parametrize("nodes", [(), ("a",), ("a", "b")])
def test_its_public_methods_are_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str, method: str, nodes: tuple[str, ...]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise Broken

    monkeypatch.setattr(python_vagrant.Vagrant, method, broken)
    with pytest.raises(Broken):
        getattr(bench.vagrant, call)(nodes)


def test_status_in_our_words(bench: Bench) -> None:
    assert bench.vagrant.status() == {"web-1": "running", "db": "stopped", "new": "absent", "odd": "preparing"}


def test_boxes_plugins_and_version(bench: Bench) -> None:
    boxes = bench.vagrant.box_list()
    assert [(box.name, box.provider, box.version) for box in boxes] == [("labgen/debian-13", "libvirt", "0")]
    assert bench.vagrant.plugins() == {"vagrant-libvirt": "0.11.2"}
    assert bench.vagrant.version() == "2.3.4"


def test_no_vagrant_is_said_plainly(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HostError, match="Vagrant is not installed"):
        Vagrant(bench.root, bench.logs).up()


SSH_CONFIG = """\
Host web-1
  HostName 172.17.0.2
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  IdentityFile "/home/some one/key"
  IdentitiesOnly yes

Host db
  HostName 127.0.0.1
  User debian
  Port 2200
  IdentityFile /home/other/key

"""


@pytest.mark.parametrize(
    ("key", "paths"),
    [(None, ("/home/some one/key", "/home/other/key")), (Path("/lab/key"), ("/lab/key", "/lab/key"))],
)
def test_hosts_in_ssh_config_are_not_mixed(key: Path | None, paths: tuple[str, str]) -> None:
    assert parse_ssh_config(SSH_CONFIG, key) == {
        "web-1": Endpoint("172.17.0.2", 22, "vagrant", Path(paths[0])),
        "db": Endpoint("127.0.0.1", 2200, "debian", Path(paths[1])),
    }


def test_no_running_machine_has_no_ssh_config() -> None:
    assert parse_ssh_config("") == {}
