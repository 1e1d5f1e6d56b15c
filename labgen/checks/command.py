"""Checks that a component's manifest writes out as data: a command and what to expect of its answer."""

from __future__ import annotations

import json
from typing import Any

from labgen.checks.context import Check, Context, Unknown, complaint
from labgen.checks.model import CheckOutcome
from labgen.components.manifest import CommandCheck, CommandExpectation
from labgen.patterns import search
from labgen.reading import parse_json
from labgen.system.connection import CommandResult


def command_check(component: str, spec: CommandCheck) -> Check:
    """The check that SPEC, in COMPONENT's manifest, describes."""

    def judge(context: Context) -> CheckOutcome:
        nodes = context.lab.nodes_with(component)
        nodes = nodes[:1] if spec.on == "first" else nodes
        faults, silent = [], []
        for node in nodes:
            try:
                result = context.run(node.name, spec.run)
            except Unknown as why:
                silent.append(str(why))
                continue
            faults += [f"{node.name}: {fault}" for fault in judge_answer(spec.expect, result)]
        return CheckOutcome.of(f"as expected on {', '.join(n.name for n in nodes)}", faults=faults, unknown=silent)

    return Check(spec.name, spec.title, judge)


def judge_answer(expect: CommandExpectation, result: CommandResult) -> list[str]:
    """Where RESULT is not what EXPECT says."""
    faults = []
    if expect.exit is not None and result.rc != expect.exit:
        faults.append(complaint(result) + ("" if expect.exit == 0 else f", expected exit {expect.exit}"))
    if expect.stdout is not None and search(expect.stdout, result.stdout, lines=True) is None:
        faults.append(f"its output does not match {expect.stdout}")
    if expect.json_:
        faults += _judge_json(expect.json_, result.stdout)
    return faults


def _judge_json(wanted: dict[str, Any], text: str) -> list[str]:
    try:
        document = parse_json(text)
    except ValueError:
        return ["its output is not JSON"]
    faults = []
    for path, value in wanted.items():
        try:
            found = json_at(document, path)
        except LookupError:
            faults.append(f"its JSON has no {path}")
            continue
        if found != value:
            faults.append(f"{path} is {json.dumps(found)}, expected {json.dumps(value)}")
    return faults


def json_at(document: Any, path: str) -> Any:
    """The value at PATH (`members.0.state`) of DOCUMENT; raises LookupError."""
    for part in path.split("."):
        if isinstance(document, list) and part.isdecimal():
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document[part]
        else:
            raise LookupError(path)
    return document
