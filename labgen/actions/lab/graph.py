"""`graph`: the picture of a lab, as text in one of the languages of graphs or drawn by Graphviz."""

from __future__ import annotations

import shutil
import subprocess

from labgen.actions.session.open import LabRequest, lab_of
from labgen.errors import HostError, LabgenError, UnknownNameError
from labgen.graph import build_graph, dot, mermaid

FORMATS = ("mermaid", "dot", "svg")
TIMEOUT = 60  # seconds; a lab of seven nodes takes a tenth of one


def graph(request: LabRequest, format: str) -> str:
    """The picture of the lab that WISH describes; raises UnknownNameError, or HostError without Graphviz."""
    if format not in FORMATS:
        raise UnknownNameError("format", format, FORMATS, where="--format")
    picture = build_graph(lab_of(request).lab)
    if format == "mermaid":
        return mermaid(picture)
    return dot(picture) if format == "dot" else _svg(dot(picture))


def _svg(text: str) -> str:
    if not shutil.which("dot"):
        raise HostError(
            "Graphviz, which draws the picture, is not installed: no dot in PATH",
            cure="install it: sudo apt-get install graphviz, or use --format mermaid",
        )
    try:
        done = subprocess.run(
            ["dot", "-Tsvg"], input=text, capture_output=True, encoding="utf-8", timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise LabgenError(f"Graphviz has not drawn it within {TIMEOUT} s", cure="use --format mermaid") from None
    if done.returncode != 0:
        raise LabgenError(
            "Graphviz cannot draw it", detail=done.stderr.splitlines()[-3:], cure="see what it got: --format dot"
        )
    return done.stdout
