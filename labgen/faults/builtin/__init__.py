"""The faults that come with labgen: small objects that say what they would do, with its undo; none does anything."""
