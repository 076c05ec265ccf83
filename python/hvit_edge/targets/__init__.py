"""The targets, which turn a rewritten graph into a program."""
