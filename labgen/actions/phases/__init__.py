"""The phases of `up`, one file each; actions/lab/up.py is the list."""
