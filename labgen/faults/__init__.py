"""What can be broken on purpose, each with its undo, and who does it."""
