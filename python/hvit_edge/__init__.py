"""hvit-edge: hybrid vision transformers from PyTorch to the edge, with parity proven at every step."""

__version__ = "0.1.0"
