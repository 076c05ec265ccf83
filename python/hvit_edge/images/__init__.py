"""Image files as phones and trainers leave them: which files they are, and their pixels."""
