"""What `labgen validate --json` prints, to the letter: `validate/CASE.json`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labgen.actions.cache.lint import refusal
from labgen.actions.lab.validate import as_data
from labgen.cli.main import app
from tests.golden.test_golden_lint import HAPROXY, ROOT, SCRIPT, SECRETS, UNITS

HERE = Path(__file__).parent
CASES = {
    "sound": (0, ["warnings/sound.yml"]),
    "weak": (0, ["warnings/some-nodes.yml", "--components", "components/rules"]),
    "several": (2, ["errors/several.yml"]),
    "no-yaml": (2, ["errors/yaml-tab.yml"]),
    "manifest": (2, ["errors/manifest-faulty.yml", "--components", "components/faulty"]),
    "rule": (2, ["errors/rule-broken-by-set.yml", "--components", "components/rules", "--set", "timed.ttl=25"]),
    "unknown": (2, ["consul-pgbouncr"]),
}


@pytest.mark.parametrize("case", CASES)
def test_report(case: str, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    code, words = CASES[case]
    ran = CliRunner().invoke(app, ["validate", *words, "--json"])
    assert ran.exit_code == code
    assert bool(json.loads(ran.stdout)["error"]) == bool(code)
    golden(HERE / "validate" / f"{case}.json", ran.stdout)


def test_files_that_their_programs_refuse(golden: Callable[[Path, str], None]) -> None:
    data = as_data((), refusal([HAPROXY, UNITS, SCRIPT], SECRETS, ROOT))
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    assert "s3cr3t" not in text
    golden(HERE / "validate" / "files.json", text)
