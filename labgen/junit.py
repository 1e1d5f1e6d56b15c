"""JUnit XML, as CI systems read it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from xml.etree import ElementTree

# What XML 1.0 cannot hold, even escaped: a guest may print anything.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Ending = Literal["failure", "error", "skipped"]


@dataclass(frozen=True)
class Case:
    """One test case. ENDING None: it passed. TYPE: our own word for how it ended."""

    name: str
    seconds: float
    output: str
    ending: Ending | None = None
    message: str = ""
    type: str = ""


def junit(suite: str, cases: Sequence[Case], started: datetime, seconds: float, properties: Mapping[str, str]) -> str:
    """CASES as the one suite of a report."""

    def number(ending: Ending) -> str:
        return str(sum(case.ending == ending for case in cases))

    root = ElementTree.Element("testsuites", name="labgen")
    told = ElementTree.SubElement(
        root,
        "testsuite",
        name=suite,
        tests=str(len(cases)),
        failures=number("failure"),
        errors=number("error"),
        skipped=number("skipped"),
        time=f"{seconds:.3f}",
        timestamp=started.isoformat(timespec="seconds"),
    )
    about = ElementTree.SubElement(told, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(about, "property", name=key, value=_xml(value))
    for case in cases:
        one = ElementTree.SubElement(
            told, "testcase", classname=f"labgen.{suite}", name=case.name, time=f"{case.seconds:.3f}"
        )
        if case.ending:
            ElementTree.SubElement(one, case.ending, message=_xml(case.message), type=case.type)
        ElementTree.SubElement(one, "system-out").text = _xml(case.output)
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode", xml_declaration=True)
    return text + "\n"


def _xml(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
