"""Run artifacts with Session and Classifier, which use the C++ runtime. Imports no torch."""

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.runtime.classifier import Classifier, Prediction, as_pixels
from hvit_edge.runtime.session import SelfTest, Session, TensorSpec, whole_number

__all__ = [
    "Classifier",
    "Metadata",
    "Prediction",
    "SelfTest",
    "Session",
    "TensorSpec",
    "as_pixels",
    "whole_number",
]
