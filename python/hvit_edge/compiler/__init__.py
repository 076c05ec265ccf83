"""Compile a model to an artifact: every step from PyTorch to the sealed file, gated by parity."""
