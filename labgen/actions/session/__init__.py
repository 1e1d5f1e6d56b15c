"""A lab that an action works on: found, opened, locked, reached."""
