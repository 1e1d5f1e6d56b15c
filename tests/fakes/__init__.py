"""Stand-ins with scripted answers, shared by the unit tests."""
