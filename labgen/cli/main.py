"""The `labgen` program: puts the commands together, turns errors into words and exit codes."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType

import typer

from labgen.cli.commands import (
    bundle,
    checkpoint,
    destroy,
    doctor,
    drill,
    exec_,
    fetch,
    graph,
    halt,
    image,
    list_,
    logs,
    maintenance,
    matrix,
    reinit,
    render,
    replay,
    repro,
    scale,
    show,
    ssh,
    status,
    switchover,
    up,
    validate,
    verify,
    version,
)
from labgen.errors import LabgenError

INTERRUPTED = 130
INTERNAL = 70  # EX_SOFTWARE

HELP = """Boot published PostgreSQL high-availability topologies as real machines, and prove that they work.

LAB is a blueprint's name (labgen list), a path to a blueprint file, or the name given with --name.

Exit codes: 0 fine, 1 a check or an operation failed, 2 wrong usage or a faulty blueprint, 3 this machine is not ready,
4 booting or provisioning failed, 130 interrupted.
"""

app = typer.Typer(
    name="labgen",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "LABGEN"},
)

LIVE = "Labs"
OPERATIONS = "Operations"
REPORTS = "Bug reports"
FILES = "Blueprints and files"
MACHINE = "This machine"

app.command("up", rich_help_panel=LIVE)(up.command)
app.command("verify", rich_help_panel=LIVE)(verify.command)
app.command("status", rich_help_panel=LIVE)(status.command)
app.command("ssh", rich_help_panel=LIVE)(ssh.command)
app.command("exec", rich_help_panel=LIVE, context_settings={"ignore_unknown_options": True})(exec_.command)
app.command("logs", rich_help_panel=LIVE)(logs.command)
app.command("halt", rich_help_panel=LIVE)(halt.command)
app.command("destroy", rich_help_panel=LIVE)(destroy.command)
app.command("switchover", rich_help_panel=OPERATIONS)(switchover.command)
app.command("maintenance", rich_help_panel=OPERATIONS)(maintenance.command)
# -1 is a number here and no option.
app.command("scale", rich_help_panel=OPERATIONS, context_settings={"ignore_unknown_options": True})(scale.command)
app.command("reinit", rich_help_panel=OPERATIONS)(reinit.command)
app.add_typer(checkpoint.app, name="checkpoint", rich_help_panel=OPERATIONS)
app.add_typer(drill.app, name="drill", rich_help_panel=OPERATIONS)
app.add_typer(repro.app, name="repro", rich_help_panel=REPORTS)
app.command("matrix", rich_help_panel=REPORTS)(matrix.command)
app.add_typer(bundle.app, name="bundle", rich_help_panel=REPORTS)
app.command("replay", rich_help_panel=REPORTS)(replay.command)
app.command("list", rich_help_panel=FILES)(list_.command)
app.command("show", rich_help_panel=FILES)(show.command)
app.command("graph", rich_help_panel=FILES)(graph.command)
app.command("validate", rich_help_panel=FILES)(validate.command)
app.command("render", rich_help_panel=FILES)(render.command)
app.command("fetch", rich_help_panel=MACHINE)(fetch.command)
app.command("doctor", rich_help_panel=MACHINE)(doctor.command)
app.add_typer(image.app, name="image", rich_help_panel=MACHINE)
app.command("version", rich_help_panel=MACHINE)(version.command)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _full_disk(error: OSError) -> LabgenError | None:
    from labgen.host.room import full_disk

    return full_disk(error)


def main() -> None:
    """Run the command line and end the process with the documented exit code."""
    # A closed terminal and a polite `kill` end things as orderly as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        app()
    except LabgenError as error:
        print("\n".join(error.lines()), file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as ending:
        # Typer turns Ctrl-C into this code, without a word.
        if ending.code == INTERRUPTED:
            print("interrupted: the same command goes on from here", file=sys.stderr)
        raise
    except BrokenPipeError:
        # Somebody reads no further, as in `labgen list | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if isinstance(error, OSError) and (full := _full_disk(error)):
            print("\n".join(full.lines()), file=sys.stderr)
            sys.exit(full.exit_code)
        if os.environ.get("LABGEN_DEBUG"):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"error: this is a fault of labgen itself: {type(error).__name__}: {error}\n"
            f"  where: {where.filename}:{where.lineno}\n"
            "  next:  run it again with LABGEN_DEBUG=1 and report what it prints",
            file=sys.stderr,
        )
        sys.exit(INTERNAL)
