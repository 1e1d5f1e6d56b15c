"""`python -m labgen`."""

from labgen.cli.main import main

main()
