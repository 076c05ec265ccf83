"""Parity: what the device computes against what eager PyTorch computes."""

from hvit_edge.parity.difference import Difference, compare

__all__ = ["Difference", "compare"]
