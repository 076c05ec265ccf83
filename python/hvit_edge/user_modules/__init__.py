"""Check and run modules of users, and find what a run changes."""
