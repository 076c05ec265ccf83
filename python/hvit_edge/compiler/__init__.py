"""Compile a model to an artifact, and compare every step with eager PyTorch."""
