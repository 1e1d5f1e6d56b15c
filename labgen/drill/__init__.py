"""Drills: a fault under load, measured from the clients' side, healed, and judged from a raw log."""
