"""The `labgen` program: puts the commands together, turns errors into words and exit codes."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any

import typer

from labgen.cli.table import Commands
from labgen.errors import LabgenError

INTERRUPTED = 130
INTERNAL = 70  # EX_SOFTWARE
BETWEEN_COLLECTIONS = 100_000
"""Objects; with Python's 700 a tenth of a short command's time goes into looking for circles that are not there."""

HELP = """Boot published PostgreSQL high-availability topologies as real machines, and prove that they work.

LAB is a blueprint's name (labgen list), a path to a blueprint file, or the name given with --name.

Exit codes: 0 fine, 1 a check or an operation failed, 2 wrong usage or a faulty blueprint, 3 this machine is not ready,
4 booting or provisioning failed, 130 interrupted.
"""

app = typer.Typer(
    name="labgen",
    cls=Commands,
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "LABGEN"},
)


def _version(wanted: bool) -> None:
    if wanted:
        from labgen.cli.commands.version import command

        command()
        raise typer.Exit


@app.callback()
def labgen(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print labgen's version.")
    ] = False,
) -> None:
    pass


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class _Lost:
    """A Ctrl-C that came while a library's C code called Python, and was thrown away there: pydantic builds schemas so.

    What that library made then may be wrong, so nothing goes on from there: the interrupt is delivered again, and an
    error that comes first is not told as one.
    """

    interrupt = False

    @classmethod
    def hook(cls, lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(lost)
            return
        cls.interrupt = True
        import threading

        again = threading.Timer(0.01, signal.raise_signal, [signal.SIGINT])
        again.daemon = True
        again.start()


def _warn() -> None:
    """Say which variables of the environment are misspelt; not to a shell that completes a word."""
    if "_LABGEN_COMPLETE" not in os.environ and any(name.startswith("LABGEN_") for name in os.environ):
        from labgen.cli.environment import warnings_for

        for line in warnings_for(os.environ, Commands.every()):
            print(line, file=sys.stderr)


def _host_error(error: OSError) -> LabgenError | None:
    from labgen.host.places import unusable_place
    from labgen.host.room import full_disk, full_output

    return full_output(error) or full_disk(error) or unusable_place(error)


def main() -> None:
    """Run the command line and end the process with the documented exit code; raises KeyboardInterrupt for Ctrl-C."""
    gc.set_threshold(BETWEEN_COLLECTIONS)
    sys.unraisablehook = _Lost.hook
    # A closed terminal and a polite `kill` end things as orderly as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        _warn()
        app()
    except LabgenError as error:
        if _Lost.interrupt:
            raise KeyboardInterrupt from None
        print("\n".join(error.lines()), file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as ending:
        # Typer turns Ctrl-C into this code, without a word.
        if ending.code == INTERRUPTED:
            raise KeyboardInterrupt from None
        raise
    except BrokenPipeError:
        # Somebody reads no further, as in `labgen list | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if _Lost.interrupt:
            raise KeyboardInterrupt from None
        if isinstance(error, OSError) and (host := _host_error(error)):
            print("\n".join(host.lines()), file=sys.stderr)
            sys.exit(host.exit_code)
        if os.environ.get("LABGEN_DEBUG"):
            raise
        import traceback

        from labgen.wording import harmless

        where = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"error: this is a fault of labgen itself: {type(error).__name__}: {harmless(str(error))}\n"
            f"  where: {where.filename}:{where.lineno}\n"
            "  next:  run it again with LABGEN_DEBUG=1 and report what it prints",
            file=sys.stderr,
        )
        sys.exit(INTERNAL)
