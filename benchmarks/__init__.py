"""Ratios and counts, each module one command: `python -m benchmarks.up_floor`, `python -m benchmarks.startup`."""
