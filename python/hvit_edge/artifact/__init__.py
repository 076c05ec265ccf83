"""Define the artifact file: its metadata and its container, and write it to the disk."""
