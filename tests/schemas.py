"""Which shipped documents there are, and of which kind."""

from __future__ import annotations

from pathlib import Path

TOP = Path(__file__).parent.parent
FOLDERS = ("blueprints", "scripts", "examples")


def shipped_documents() -> dict[Path, str]:
    """File → kind of document, of all that ship with labgen or are examples."""
    return {path: _kind(path.relative_to(TOP)) for folder in FOLDERS for path in sorted((TOP / folder).rglob("*.yml"))}


def _kind(path: Path) -> str:
    if path.name == "component.yml":
        return "manifest"
    return "reproduction" if path.parent == Path("examples/repro") else "blueprint"
