"""What is said about rendered files that their programs refuse, to the letter: `lint/CASE.txt`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.actions.cache.lint import refusal
from labgen.lint import Complaint, NodeFile

HERE = Path(__file__).parent
ROOT = Path("/state/labs/sample/rendered")
SECRETS = {"haproxy": {"stats_password": "s3cr3t"}}


def file(node: str, component: str, path: str) -> NodeFile:
    return NodeFile(component, path, "0644", "root:root", "", ROOT / "nodes" / node / component / f"files{path}")


HAPROXY = Complaint(
    ("lb1", "lb2"),
    "haproxy -c -f /etc/haproxy/haproxy.cfg",
    (file("lb1", "haproxy", "/etc/haproxy/haproxy.cfg"),),
    (
        "[ALERT] (23) : config : parsing [/etc/haproxy/haproxy.cfg:12] : unknown keyword 'blance' in 'listen' section",
        "[ALERT] (23) : config : parsing [/etc/haproxy/haproxy.cfg:14] : 'stats auth' : admin:s3cr3t is no user",
        "",
        "[ALERT] (23) : config : Fatal errors found in configuration.",
    ),
)
UNITS = Complaint(
    ("web",),
    "systemd-analyze verify",
    (
        file("web", "app", "/etc/systemd/system/app.service"),
        file("web", "app", "/etc/systemd/system/app.service.d/more.conf"),
    ),
    ("app.service: Command /usr/bin/app is not executable: No such file or directory",),
)
SCRIPT = Complaint(
    ("web",),
    "bash -n",
    (NodeFile("app", "/opt/labgen/components/app/start.sh", "0755", "root:root", "", Path("/mine/app/start.sh")),),
    ("/opt/labgen/components/app/start.sh: line 7: syntax error: unexpected end of file",),
)
TALKATIVE = Complaint(
    ("web",), "app --check", (file("web", "app", "/etc/app.conf"),), tuple(f"line {number}" for number in range(1, 31))
)
CASES = {"one": [HAPROXY], "several": [HAPROXY, UNITS, SCRIPT], "talkative": [TALKATIVE]}


@pytest.mark.parametrize("case", CASES)
def test_refusal(case: str, golden: Callable[[Path, str], None], readable: Callable[[str], None]) -> None:
    error = refusal(CASES[case], SECRETS, ROOT)
    text = "".join(f"{line}\n" for line in error.lines())
    assert error.exit_code == 2
    assert "s3cr3t" not in text
    golden(HERE / "lint" / f"{case}.txt", text)
    readable(text)
