"""Compare the outputs of artifacts with eager PyTorch."""

from hvit_edge.artifact.metadata import Difference
from hvit_edge.measures.difference import compare
from hvit_edge.parity.report import ParityReport
from hvit_edge.parity.validate import validate

__all__ = ["Difference", "ParityReport", "compare", "validate"]
