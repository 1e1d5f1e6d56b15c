"""Reproductions: a file that says what to do to a lab and what is seen there if a bug is there; and who judges it."""
