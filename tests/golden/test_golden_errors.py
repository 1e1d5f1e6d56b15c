"""Every message about a faulty blueprint, manifest or `--set` word, to the letter.

`errors/CASE.yml` is a faulty blueprint, `errors/CASE.txt` what labgen says about it. Comments at its top may give a
root folder of further components (`# components: circle`) and `--set` words (`# set: timed.ttl=25`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.blueprint.loader import load_blueprint
from labgen.components.registry import load_component
from labgen.errors import LabgenError
from labgen.lab.resolve import resolve
from labgen.plan import build_plan

Golden = Callable[[Path, str], None]
Readable = Callable[[str], None]

HERE = Path(__file__).parent
BLUEPRINTS = sorted(path.stem for path in (HERE / "errors").glob("*.yml"))
MANIFESTS = sorted(path.name for path in (HERE / "manifests").iterdir() if path.is_dir())


def told(work: Callable[[], object]) -> str:
    """What labgen prints when WORK fails, a line each; WORK must fail with an error made for people."""
    with pytest.raises(LabgenError) as caught:
        work()
    return "".join(f"{line}\n" for line in caught.value.lines())


def blueprint_outcome(path: Path) -> Callable[[], object]:
    """Reads, resolves and plans the blueprint at PATH as its comments say."""
    text = path.read_text(encoding="utf-8", errors="replace")
    comments = re.findall(r"^# (components|set): (.+)$", text, re.MULTILINE)
    roots = tuple(Path("components", value) for key, value in comments if key == "components")
    words = [value for key, value in comments if key == "set"]

    def work() -> object:
        return build_plan(resolve(load_blueprint(path, roots), provider="docker", overrides=words))

    return work


@pytest.mark.parametrize("case", BLUEPRINTS)
def test_faulty_blueprint(case: str, golden: Golden, readable: Readable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    text = told(blueprint_outcome(Path("errors", f"{case}.yml")))
    golden(HERE / "errors" / f"{case}.txt", text)
    readable(text)


@pytest.mark.parametrize("case", MANIFESTS)
def test_faulty_manifest(case: str, golden: Golden, readable: Readable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    text = told(lambda: load_component(Path("manifests", case, case)))
    golden(HERE / "manifests" / f"{case}.txt", text)
    readable(text)
