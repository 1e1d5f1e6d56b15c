"""Reproductions: one run, and a matrix of them."""
