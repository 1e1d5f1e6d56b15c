"""issue.md: the form that Patroni's maintainers want a bug report in, filled in as far as a bundle knows.

The headings are the form's own labels, so that each part can be copied to its place. A report has room for so much, so
logs are cut to what says something; the whole is in the bundle.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from labgen.bundle.entries import PATRONI, POSTGRESQL, Entry, shown

LONGEST = 60_000
"""Characters of the whole; GitHub takes 65,536."""
LONGEST_LOG = 18_000
LONGEST_PART = 8_000
RECENT = 6
"""Lines of one node among which one that says the same is left out: Patroni repeats itself every few seconds."""

_STAMP = re.compile(r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: [A-Z]{3,5}(?= )| ?[+-]\d\d(?::?\d\d)?)? ?")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class IssueReport:
    """What a report is made of.

    seen, reproduce, expected: what is known of these, as Markdown; what is empty is left for the person to fill in.
    versions: program → version. others: further lines about the lab. entries: of all logs, in order.
    """

    bundle: str
    entries: Sequence[Entry]
    seen: str = ""
    reproduce: str = ""
    expected: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    show_config: str = ""
    others: Sequence[str] = ()


def issue(report: IssueReport) -> str:
    """The report, in sections."""
    versions = "\n".join(f"- {program}: {version}" for program, version in report.versions.items())
    shows = " and does this on it" if report.reproduce else ""
    replay = f"Attached is `{report.bundle}`. `labgen replay {report.bundle}` makes the same lab from it{shows}."
    sections = {
        "What happened?": report.seen or _left("what you saw, and when"),
        "How can we reproduce it (as minimally and precisely as possible)?": "\n\n".join(
            [report.reproduce or _left("what you did, step by step"), replay]
        ),
        "What did you expect to happen?": report.expected or _left("what should have happened instead"),
        "Patroni/PostgreSQL/DCS version": versions,
        "Patroni configuration file": _block("yaml", _cut(_without_comments(report.config), LONGEST_PART)),
        "patronictl show-config": _block("yaml", _cut(report.show_config, LONGEST_PART)),
        "Patroni log files": _block("shell", excerpt(report.entries, PATRONI)),
        "PostgreSQL log files": _block("shell", excerpt(report.entries, POSTGRESQL)),
        "Have you tried to use GitHub issue search?": "- [ ] Yes",
        "Anything else we need to know?": "\n".join(f"- {line}" for line in report.others),
    }
    text = "\n".join(f"### {heading}\n\n{body.rstrip()}\n" for heading, body in sections.items())
    return text if len(text) <= LONGEST else text[:LONGEST] + "\n…\n"


def _left(what: str) -> str:
    return f"<!-- Please say {what}. -->"


def _block(language: str, text: str) -> str:
    """TEXT so that nothing in it counts as Markdown."""
    fence = "```"
    while fence in text:
        fence += "`"
    body = text.strip("\n") or f"# {NOTHING}"
    return f"{fence}{language}\n{body}\n{fence}"


NOTHING = "nothing was found"


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}\n# … the rest is in the bundle"


def excerpt(entries: Iterable[Entry], source: str, longest: int = LONGEST_LOG) -> str:
    """The lines of SOURCE on all nodes, without those that say again what was said; of too many the first and last."""
    lines = list(_fresh(entry for entry in entries if entry.source == source))
    if sum(len(line) + 1 for line in lines) <= longest:
        return "\n".join(lines)
    head, tail = _taken(lines, longest // 3), _taken(lines[::-1], longest - longest // 3)[::-1]
    left = len(lines) - len(head) - len(tail)
    return "\n".join([*head, f"# … {left} lines are left out here; timeline.log in the bundle has all", *tail])


def _taken(lines: Sequence[str], room: int) -> list[str]:
    taken = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        taken.append(line)
    return taken


def _fresh(entries: Iterable[Entry]) -> Iterator[str]:
    """A line an entry; a node that repeats itself is told once, with how often."""
    recent: dict[str, deque[str]] = {}
    again: dict[str, int] = {}
    for entry in entries:
        text = _STAMP.sub("", entry.text)
        same = _NUMBER.sub("#", text)
        lately = recent.setdefault(entry.node, deque(maxlen=RECENT))
        repeated = same in lately
        lately.append(same)
        if repeated:
            again[entry.node] = again.get(entry.node, 0) + 1
            continue
        if times := again.pop(entry.node, 0):
            yield _repeated(entry.node, times)
        yield f"{shown(entry.at)[:23]} {entry.node} {text}"
    for node, times in again.items():
        yield _repeated(node, times)


def _repeated(node: str, times: int) -> str:
    return f"# {node} says the like {'once more' if times == 1 else f'{times} times more'}"
