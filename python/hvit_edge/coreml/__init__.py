"""Read and evaluate Core ML programs on any system."""

from hvit_edge.coreml.features import Feature
from hvit_edge.coreml.package import Package, read_package
from hvit_edge.coreml.program import Program, load_program

__all__ = ["Feature", "Package", "Program", "load_program", "read_package"]
