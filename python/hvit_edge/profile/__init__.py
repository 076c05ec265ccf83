"""Measure where an inference spends its time."""
