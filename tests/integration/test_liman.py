"""The first document's lab: what its web application does while the database behind it changes hands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.live import LiveLab, docker_things, until

BLUEPRINT = "liman-etcd-haproxy"
WEB = "http://192.168.70.10"
KAPTANS = {"kaptan1": "192.168.70.21", "kaptan2": "192.168.70.22"}
LIMANS = ("liman1", "liman2")


@pytest.fixture(scope="module")
def lab(module_labs: Callable[..., LiveLab]) -> LiveLab:
    """The lab, booted."""
    lab = module_labs("liman", made_from=(BLUEPRINT,), patroni=KAPTANS)
    lab.up("--provider", "docker")
    return lab


def web(lab: LiveLab, path: str, *words: str, node: str = "liman1") -> dict[str, Any]:
    """What HAProxy's web port answers, asked from a node; an empty answer if that is none of a Liman's."""
    answer = lab.labgen(
        "exec", lab.name, node, "--", "curl", "-sS", "-m", "20", *words, f"{WEB}{path}", expect=None, timeout=60
    )
    try:
        document = json.loads(answer.stdout)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def write(lab: LiveLab, text: str) -> dict[str, Any]:
    """The answer to a note that was written; empty if it was not."""
    answer = web(lab, "/notes", "--data", json.dumps({"text": text}))
    return answer if "note" in answer else {}


def texts(lab: LiveLab) -> list[str]:
    return [note["text"] for note in web(lab, "/notes")["notes"]]


def test_the_web_path_writes_and_reads(lab: LiveLab) -> None:
    answer = write(lab, "the first note")
    assert answer["server"]["address"] == KAPTANS[lab.leader()]
    assert answer["note"]["node"] == answer["node"]
    assert texts(lab) == ["the first note"]


def test_haproxy_leads_to_both_limans(lab: LiveLab) -> None:
    assert {web(lab, "/health")["node"] for _ in range(6)} == set(LIMANS)


def test_the_page_is_for_people(lab: LiveLab) -> None:
    page = lab.exec("liman2", "curl", "-sS", "-m", "20", f"{WEB}/")
    assert "<td>the first note</td>" in page
    assert f"PostgreSQL at {KAPTANS[lab.leader()]}, timeline 1" in page


def test_both_write_the_first_note_at_the_same_time(lab: LiveLab) -> None:
    """The table is made by whoever comes first; the other must not fail for it."""
    drop = "drop table liman_notes"
    lab.exec(lab.leader(), "runuser", "-u", "postgres", "--", "psql", "-qd", "app", "-c", drop)
    script = 'for n in $(seq 8); do curl -s -m 20 --data "{\\"text\\":\\"$n\\"}" "$0/notes" & done; wait'
    said = lab.exec("liman1", "bash", "-c", script, WEB)
    assert sorted(json.loads(line)["note"]["text"] for line in said.splitlines()) == [*map(str, range(1, 9))]
    assert sorted(texts(lab)) == [*map(str, range(1, 9))]


def test_the_service_is_shut_in(lab: LiveLab) -> None:
    assert lab.exec("liman1", "stat", "-c", "%a %U:%G", "/etc/liman/liman.env") == "640 root:liman"
    assert lab.exec("liman1", "ps", "-C", "python3", "-o", "user=") == "liman"
    status = lab.exec("liman1", "sh", "-c", "cat /proc/$(systemctl show --property=MainPID --value liman)/status")
    assert re.search(r"^CapBnd:\s0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s1$", status, re.MULTILINE)
    assert lab.exec("liman1", "journalctl", "--unit", "liman", "--grep", "Traceback", expect=1) in (
        "",
        "-- No entries --",
    )


def test_the_web_path_recovers_when_patroni_stops_on_the_leader(whole: LiveLab) -> None:
    assert write(whole, "before the stop")
    old = whole.leader()
    (new,) = set(KAPTANS) - {old}
    before = web(whole, "/health")["server"]["timeline"]
    whole.exec(old, "systemctl", "stop", "patroni")
    until("a note after the stop", 120, lambda: write(whole, "after the stop"))
    answer = web(whole, "/health")
    assert answer["server"] == {"address": KAPTANS[new], "timeline": before + 1}
    assert {"before the stop", "after the stop"} <= set(texts(whole))
    whole.exec(old, "systemctl", "start", "patroni")
    whole.verify(settle=120)


def test_one_liman_is_enough(whole: LiveLab) -> None:
    whole.exec("liman1", "systemctl", "stop", "liman")
    until("HAProxy at the other", 60, lambda: [web(whole, "/health").get("node") for _ in range(4)] == ["liman2"] * 4)
    assert write(whole, "by the other")["node"] == "liman2"
    report = whole.labgen.json("verify", whole.name, "--check", "liman-web", expect=1)
    assert report["checks"][0]["status"] == "fail"
    whole.exec("liman1", "systemctl", "start", "liman")
    whole.verify(settle=60)


def test_without_a_database_health_says_so(whole: LiveLab) -> None:
    whole.exec("haproxy", "systemctl", "stop", "haproxy")
    words = ("curl", "-sS", "-m", "20", "-w", "%{http_code}", "http://192.168.70.11:8080/health")
    assert whole.exec("liman1", *words).endswith("503")
    whole.exec("haproxy", "systemctl", "start", "haproxy")
    whole.verify(settle=60)


def test_destroy_leaves_nothing(lab: LiveLab) -> None:
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
    assert not lab.folder.exists()


def test_the_published_profile(labs: Callable[..., LiveLab]) -> None:
    lab = labs("liman-published", made_from=(BLUEPRINT,), patroni=KAPTANS)
    lab.up("--profile", "published", "--provider", "docker")
    lab.verify(settle=60)
    assert "patroni 2.0.2" in lab.exec("kaptan1", "patroni", "--version")
    assert "etcd Version: 3.3." in lab.exec("kaptan1", "etcd", "--version")
    assert "Python 3.9" in lab.exec("liman1", "python3", "--version")
    assert write(lab, "published")["server"]["address"] == KAPTANS[lab.leader()]
    lab.labgen("destroy", lab.name, "--yes")
    assert docker_things(lab.name) == []
