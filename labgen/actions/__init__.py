"""What labgen does, one file a verb. Actions know nothing of the command line: they tell a Reporter."""
