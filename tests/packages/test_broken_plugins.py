"""Packages that are not in order, some for each group, installed by pip: each is reported, and nothing else falls.

They are in one environment together, so that each of the commands below meets all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.outside import Outside, build_wheel, python_with_wheels, write_project
from tests.unit.labs import blueprint_text

NOWHERE = "import nothing_of_the_kind\n"
IMPORT = "ModuleNotFoundError: No module named 'nothing_of_the_kind'"
FAULT = "from labgen.faults.model import Fault\nMINE = Fault('{}', 'breaks', 'leader', '{}', lambda *_: ())\n"
CHECK = (
    "from labgen.checks import Check, CheckOutcome\nMINE = Check('{}', 'A check', lambda _: CheckOutcome.passed(''))\n"
)
GOOD_COMPONENT = "name: {}\nsummary: in order\n"


@dataclass(frozen=True)
class Case:
    """An entry point NAME = VALUE of GROUP with its FILES. problems: what is said of it. adds: what is in order in it.

    needs: words of a command that needs it, and `told`, what that says.
    """

    group: str
    name: str
    value: str
    problems: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    adds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    told: str = ""


CASES = {
    "blueprint-text": Case(
        "blueprints",
        "labs",
        "labgen_broken.labs",
        ("bad-lab: ",),
        {
            "labs/__init__.py": "",
            "labs/bad-lab.yml": "name: bad-lab\nnodes: [\n",
            "labs/good-lab.yml": blueprint_text({"one": ["etcd"]}).replace("name: sample", "name: good-lab"),
        },
        adds=("good-lab",),
        needs=("validate", "bad-lab"),
        told="bad-lab.yml:3:1: ",
    ),
    "blueprint-import": Case(
        "blueprints",
        "more",
        "labgen_broken.no_labs",
        (IMPORT,),
        {"no_labs/__init__.py": NOWHERE},
        needs=("validate", "lost-lab"),
        told="labgen-broken cannot be loaded, and may have it: labgen plugins",
    ),
    "component-manifest": Case(
        "components",
        "parts",
        "labgen_broken:PARTS",
        ("wrong: ", "parameters.size.type", "same: labgen-another has one of this name, which comes first"),
        {
            "__init__.py": "from pathlib import Path\nPARTS = Path(__file__).parent / 'parts'\n",
            "parts/wrong/component.yml": "name: wrong\nsummary: x\nparameters: {size: {type: colour, doc: x}}\n",
            "parts/right/component.yml": GOOD_COMPONENT.format("right"),
            "parts/same/component.yml": GOOD_COMPONENT.format("same"),
        },
        adds=("right",),
        needs=("validate", "./uses-wrong.yml"),
        told="parts/wrong/component.yml:3:21: parameters.size.type",
    ),
    "component-folder": Case(
        "components",
        "gone",
        "labgen_broken.gone:PARTS",
        ("there is no folder ",),
        {"gone.py": "PARTS = '/nowhere/at/all'\n"},
    ),
    "provider": Case(
        "providers",
        "half",
        "labgen_broken.half:Half",
        ("it is a Half, and has to be a class derived from labgen.providers.Provider",),
        {"half.py": "class Half:\n    name = 'half'\n\n    def driver(self): return ''\n"},
        needs=("render", "etcd-haproxy", "--provider", "half", "-o", "out"),
        told="the provider 'half' of the package labgen-broken 1.0 cannot be used: it is a Half",
    ),
    "provider-that-breaks": Case(
        "providers",
        "boom",
        "labgen_broken.boom:Boom",
        ("RuntimeError: no",),
        {"boom.py": "def Boom(): pass\nraise RuntimeError('no')\n"},
    ),
    "check": Case(
        "checks", "mine", "labgen_broken.check:MINE", ("it calls itself 'mien'",), {"check.py": CHECK.format("mien")}
    ),
    "check-of-labgen": Case(
        "checks",
        "ports",
        "labgen_broken.ports:MINE",
        ("labgen has a check of this name, which comes first",),
        {"ports.py": CHECK.format("ports")},
    ),
    "check-twice": Case(
        "checks",
        "twice",
        "labgen_broken.twice:MINE",
        ("labgen-another has a check of this name, which comes first",),
        {"twice.py": CHECK.format("twice")},
    ),
    "fault": Case(
        "faults",
        "gremlin",
        "labgen_broken.fault:MINE",
        ("ValueError: the fault gremlin has the effect 'restrat'; did you mean 'restart'?",),
        {"fault.py": FAULT.format("gremlin", "restrat")},
        needs=("repro", "validate", "./uses-fault.yml"),
        told="the fault 'gremlin' of the package labgen-broken 1.0 cannot be used: ValueError",
    ),
    "command": Case(
        "commands",
        "hello",
        "labgen_broken.hello:main",
        ("SystemExit: 7",),
        {"hello.py": "import sys\nsys.exit(7)\n"},
        needs=("hello",),
        told="the command 'hello' of the package labgen-broken 1.0 cannot be used: SystemExit: 7",
    ),
    "command-signature": Case(
        "commands",
        "odd",
        "labgen_broken.odd:main",
        ("AssertionError: Typer currently doesn't support Union types",),
        {"odd.py": "def main(value: int | str) -> None: ...\n"},
        needs=("odd", "--help"),
        told="the command 'odd' of the package labgen-broken 1.0 cannot be used: AssertionError",
    ),
    "command-of-labgen": Case(
        "commands",
        "list",
        "labgen_broken.listing:main",
        ("labgen has a command of this name itself",),
        {"listing.py": "def main() -> None: raise RuntimeError\n"},
    ),
}
REPRO = """\
name: uses-fault
title: Uses a fault
report: patroni/patroni#1
about: x
lab: ./good-lab.yml
actions: [{fault: {fault: gremlin}}]
seen: [{process: {on: leader, matches: x}}]
"""


def tables(cases: list[Case]) -> str:
    groups = dict.fromkeys(case.group for case in cases)
    lines = []
    for group in groups:
        lines.append(f'[project.entry-points."labgen.{group}"]')
        lines += [f'{case.name} = "{case.value}"' for case in cases if case.group == group]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def labgen(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    """Where the package with all the broken ones is installed, and another that has two names in common with it."""
    folder = tmp_path_factory.mktemp("broken")
    cases = list(CASES.values())
    files = {file: text for case in cases for file, text in case.files.items()}
    broken = write_project(folder / "broken", "labgen-broken", tables(cases), files)
    twins = [Case("checks", "twice", "labgen_another.twice:MINE", ()), Case("components", "x", "labgen_another", ())]
    files = {"twice.py": CHECK.format("twice"), "same/component.yml": GOOD_COMPONENT.format("same")}
    another = write_project(folder / "another", "labgen-another", tables(twins), files)
    wheels = [build_wheel(project, project / "wheel") for project in (broken, another)]
    text = blueprint_text({"one": ["etcd", "wrong"]}).replace("name: sample", "name: uses-wrong")
    (folder / "uses-wrong.yml").write_text(text)
    (folder / "good-lab.yml").write_text(CASES["blueprint-text"].files["labs/good-lab.yml"])
    (folder / "uses-fault.yml").write_text(REPRO)
    return Outside(python_with_wheels(folder, *wheels), folder)


@pytest.fixture(scope="module")
def reports(labgen: Outside) -> dict[tuple[str, str, str], dict[str, Any]]:
    plugins = labgen.json("plugins")["plugins"]
    return {(plugin["package"], plugin["group"], plugin["name"]): plugin for plugin in plugins}


@pytest.fixture(scope="module")
def doctor(labgen: Outside) -> dict[str, list[dict[str, Any]]]:
    ran = labgen.run("doctor", "--provider", "docker", "--json", expect=None)
    findings: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(ran.stdout):
        findings.setdefault(finding["what"], []).append(finding)
    return findings


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_wrong_is_told(
    case: Case, reports: dict[Any, dict[str, Any]], doctor: dict[str, list[dict[str, Any]]]
) -> None:
    report = reports["labgen-broken", f"labgen.{case.group}", case.name]
    assert (report["version"], report["value"]) == ("1.0", case.value)
    assert report["path"].endswith("site-packages/labgen_broken")
    assert report["status"] == ("partly loaded" if case.adds else "failed")
    assert tuple(report["adds"]) == case.adds
    told = "\n".join(report["problems"])
    assert [problem for problem in case.problems if problem not in told] == []
    assert report["cure"].startswith("mend or uninstall the package labgen-broken")
    found = doctor[f"labgen.{case.group} {case.name}"]
    assert [(f["ok"], f["found"]) for f in found] == [
        (False, f"of labgen-broken 1.0 ({case.value}): {problem}") for problem in report["problems"]
    ]


NEEDED = {name: case for name, case in CASES.items() if case.needs}


@pytest.mark.parametrize("case", NEEDED.values(), ids=NEEDED)
def test_what_needs_it_says_so_with_the_cure(case: Case, labgen: Outside) -> None:
    said = labgen.run(*case.needs, expect=2).stderr
    assert case.told in said
    assert "Traceback" not in said
    if "may have it" not in case.told:
        assert "mend or uninstall the package labgen-broken" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--help",), "hello        From the package labgen-broken 1.0."),
        (("list",), "consul-pgbouncer"),
        (("validate", "consul-pgbouncer"), ""),
        (("validate", "good-lab"), ""),
        (("plugins",), "labgen.faults gremlin = labgen_broken.fault:MINE: ValueError"),
        (("render", "etcd-haproxy", "-o", "rendered", "--provider", "docker"), "rendered"),
    ],
)
def test_all_else_goes_on(words: tuple[str, ...], told: str, labgen: Outside) -> None:
    assert told in labgen.run(*words).stdout


def test_what_shares_a_package_or_a_name_with_it_is_loaded(reports: dict[Any, dict[str, Any]]) -> None:
    assert reports["labgen-another", "labgen.checks", "twice"]["status"] == "loaded"
    assert reports["labgen-another", "labgen.components", "x"]["adds"] == ["same"]
