"""A console on which nothing that a document, a log or a node says moves the cursor or changes the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from labgen.wording import harmless


class HarmlessConsole(Console):
    """Rich's console; the texts that it is given are shown, and only its own colours and movements are acted upon."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                yield segment._replace(text=harmless(segment.text))
