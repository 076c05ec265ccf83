"""The border of the public functions: errors of one kind, and quiet libraries."""
