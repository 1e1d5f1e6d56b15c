"""A drill in words, tables and pictures."""
