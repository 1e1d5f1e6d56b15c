"""A component and a blueprint for labgen: folders and files only."""
