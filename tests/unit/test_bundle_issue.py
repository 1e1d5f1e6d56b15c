"""The bug report that a bundle brings along."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from labgen.bundle.entries import OTHER, PATRONI, POSTGRESQL, Entry
from labgen.bundle.issue import LONGEST, LONGEST_LOG, IssueReport, excerpt, issue

NOON = 1795608000.0
LABELS = [
    "What happened?",
    "How can we reproduce it (as minimally and precisely as possible)?",
    "What did you expect to happen?",
    "Patroni/PostgreSQL/DCS version",
    "Patroni configuration file",
    "patronictl show-config",
    "Patroni log files",
    "PostgreSQL log files",
    "Have you tried to use GitHub issue search?",
    "Anything else we need to know?",
]


def said(at: float, text: str, node: str = "node1", source: str = PATRONI) -> Entry:
    return Entry(NOON + at, node, "p[1]", text, source)


REPORT = IssueReport(
    bundle="x.tar.zst",
    entries=[
        said(0, "2026-11-25 12:00:00,000 INFO: promoted self to leader"),
        said(1, "2026-11-25 12:00:01.000 UTC [7] LOG:  ready", source=POSTGRESQL),
        said(2, "raft", source=OTHER),
    ],
    versions={
        "Patroni version": "3.0.1",
        "PostgreSQL version": "15.14-0+deb12u1",
        "DCS (and its version)": "etcd 3.4.23",
    },
    config="# made by labgen\nscope: postgres\n\nname: node1\n",
    show_config="ttl: 30\n",
    others=["node1 10.10.1.11: postgresql, patroni"],
)


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^### (.+)\n", text, flags=re.MULTILINE)
    assert parts[0] == ""
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_its_headings_are_those_of_the_form() -> None:
    assert list(sections(issue(REPORT))) == LABELS


def test_each_part_is_in_its_place() -> None:
    found = sections(issue(REPORT))
    assert found["Patroni/PostgreSQL/DCS version"].strip().splitlines() == [
        "- Patroni version: 3.0.1",
        "- PostgreSQL version: 15.14-0+deb12u1",
        "- DCS (and its version): etcd 3.4.23",
    ]
    assert found["Patroni configuration file"].strip() == "```yaml\nscope: postgres\nname: node1\n```"
    assert found["patronictl show-config"].strip() == "```yaml\nttl: 30\n```"
    assert "12:00:00.000 node1 INFO: promoted self to leader" in found["Patroni log files"]
    assert "12:00:01.000 node1 [7] LOG:  ready" in found["PostgreSQL log files"]
    assert "raft" not in issue(REPORT)
    assert "labgen replay x.tar.zst" in found[LABELS[1]]
    assert found[LABELS[8]].strip() == "- [ ] Yes"


def test_what_nobody_knows_is_asked_for() -> None:
    text = issue(REPORT)
    assert text.count("<!-- Please say ") == 3
    told = issue(replace(REPORT, seen="It hung.", reproduce="1. up", expected="It goes on."))
    assert "<!--" not in told
    assert "It hung." in sections(told)["What happened?"]


def test_where_nothing_was_collected_it_says_so() -> None:
    found = sections(issue(replace(REPORT, entries=(), config="", show_config="")))
    for label in LABELS[4:8]:
        assert "# nothing was found" in found[label]


def test_text_that_looks_like_the_end_of_a_block_stays_in_it() -> None:
    text = issue(replace(REPORT, show_config="```\n### What happened?\n"))
    assert "### patronictl show-config\n\n````yaml\n```\n### What happened?\n````\n" in text


def test_what_a_node_says_again_and_again_is_told_once() -> None:
    beat = "2026-11-25 12:00:{:02},000 INFO: no action. I am ({}), the leader with the lock"
    entries = [said(number, beat.format(number, "node1")) for number in range(20)]
    entries += [said(20, "INFO: demoting self"), said(21, beat.format(21, "node1"))]
    entries += [said(21.5, beat.format(21, "node2"), node="node2")]
    lines = excerpt(entries, PATRONI).splitlines()
    assert lines == [
        "2026-11-25 12:00:00.000 node1 INFO: no action. I am (node1), the leader with the lock",
        "# node1 says the like 19 times more",
        "2026-11-25 12:00:20.000 node1 INFO: demoting self",
        "2026-11-25 12:00:21.500 node2 INFO: no action. I am (node2), the leader with the lock",
        "# node1 says the like once more",
    ]


@pytest.mark.parametrize("lines", [10, 2000])
def test_long_logs_are_cut_in_the_middle(lines: int) -> None:
    words = [f"INFO: {chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{'x' * 60}" for number in range(lines)]
    text = excerpt([said(number, word) for number, word in enumerate(words)], PATRONI)
    assert len(text) < LONGEST_LOG + 200
    assert words[0] in text
    assert words[-1] in text
    assert ("lines are left out here" in text) is (lines > 1000)


def test_it_fits_into_a_report() -> None:
    entries = [
        said(number, f"{'LOG' if source else 'INFO'}: {'ab' * number}", source=source)
        for number in range(800)
        for source in (PATRONI, POSTGRESQL)
    ]
    large = replace(REPORT, entries=entries, config="key: value\n" * 5000, show_config="ttl: 30\n" * 5000)
    assert len(issue(large)) < LONGEST
