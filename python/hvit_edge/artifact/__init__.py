"""The artifact file: its metadata, its container, and how it reaches the disk."""
