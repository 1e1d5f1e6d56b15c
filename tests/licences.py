"""The licences of what labgen installs, by the packages' own word: `python -m tests.licences > docs/licences.md`."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
LONGEST = 60
"""Some have the licence's whole text where its name should be."""
INTRODUCTION = """\
# Licences

labgen is under the MIT licence. It installs these packages, pinned with the checksums of their files in
`requirements/run.txt`; what only the tests need stands in `requirements/test.txt` beside it.

| package | version | licence, by its own word |
|---|---|---|
"""


def locked(name: str) -> dict[str, str]:
    """Package → version in requirements/NAME.txt."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def licence(package: str) -> str:
    """What the installed PACKAGE says of itself: an SPDX expression, a name or a classifier."""
    said = metadata(package)
    named = said.get("License-Expression") or said.get("License") or ""
    classes = [row.rpartition(" :: ")[2] for row in said.get_all("Classifier") or () if row.startswith("License ::")]
    return named if 0 < len(named) <= LONGEST and "\n" not in named else ", ".join(classes)


def page() -> str:
    """docs/licences.md."""
    rows = [f"| {package} | {version} | {licence(package)} |" for package, version in locked("run").items()]
    return INTRODUCTION + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(page(), end="")
