"""Read what an artifact contains, without torch."""
