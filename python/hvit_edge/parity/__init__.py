"""Parity: what the device computes against what eager PyTorch computes."""

from hvit_edge.metadata import Difference
from hvit_edge.parity.difference import compare
from hvit_edge.parity.validate import ParityReport, validate

__all__ = ["Difference", "ParityReport", "compare", "validate"]
