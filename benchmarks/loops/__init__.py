"""Innermost loops of object code, and the cycles that a model of a core gives them."""
