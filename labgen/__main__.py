"""`labgen`, and `python -m labgen`. What it runs is imported here: Ctrl-C may come while that is done, too."""

import sys


def main() -> None:
    """Run the command line and end the process."""
    try:
        from labgen.cli.main import main as run  # noqa: PLC0415

        run()
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
