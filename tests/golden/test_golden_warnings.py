"""What labgen says about a blueprint that can be made and whose topology is weak, to the letter.

`warnings/CASE.yml` is a blueprint, `warnings/CASE.txt` what `labgen validate` prints. A comment may give a root folder
of further components (`# components: rules`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.actions.lab.validate import validate, warning_lines

HERE = Path(__file__).parent
CASES = sorted(path.stem for path in (HERE / "warnings").glob("*.yml"))


@pytest.mark.parametrize("case", CASES)
def test_warnings(
    case: str,
    golden: Callable[[Path, str], None],
    readable: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(HERE)
    path = Path("warnings", f"{case}.yml")
    roots = [Path("components", value) for value in re.findall(r"^# components: (.+)$", path.read_text(), re.MULTILINE)]
    found = validate(str(path), components=tuple(roots))
    text = "".join(f"{line}\n" for line in [*map(str, found), *warning_lines(found)])
    golden(HERE / "warnings" / f"{case}.txt", text)
    readable(text)
