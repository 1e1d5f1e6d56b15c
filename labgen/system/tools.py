"""Programs of this host that answer quickly: docker, virsh, ip and others."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ToolResult:
    """How a program ended and what it said; rc: its exit code, 127 if it is not there, 124 if it gave no answer."""

    rc: int
    stdout: str
    stderr: str


def ask(command: Sequence[str], timeout: float = 30) -> ToolResult:
    """Run a tool that answers quickly. A missing tool or one that hangs is an answer too: 127, 124."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            # Ctrl-C at the terminal reaches only labgen, which ends the tool or lets it come to its end.
            start_new_session=True,
        )
    except FileNotFoundError:
        return ToolResult(127, "", f"{command[0]} is not installed")
    except PermissionError as error:
        return ToolResult(126, "", str(error))
    except subprocess.TimeoutExpired:
        return ToolResult(124, "", f"{command[0]} gave no answer within {timeout:.0f} s")
    return ToolResult(done.returncode, done.stdout, done.stderr)
