"""The two consoles: results go to stdout, everything else to stderr, so that output can be piped."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

# Where nobody's window sets a width, a table gets as much as it needs: its cells are to be searched, not cut.
PIPED = 200

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPED)


def print_json(value: Any) -> None:
    """VALUE as indented JSON on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))
