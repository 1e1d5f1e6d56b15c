"""From the raw log of a drill to its verdict: pure."""
