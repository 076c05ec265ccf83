"""Translate rewritten graphs to Core ML programs."""
