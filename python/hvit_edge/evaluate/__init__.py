"""Measure the accuracy of an artifact on labeled images."""
