"""The phases of `up`, one file each."""
