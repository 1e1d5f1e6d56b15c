"""Ratios and counts, each module one command: `python -m benchmarks.up_floor`; docs/benchmarks.md lists them."""
