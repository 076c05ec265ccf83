"""Run artifacts with Session, or with the class of their task, in C++. Imports no torch."""

from hvit_edge.artifact.metadata import Metadata
from hvit_edge.runtime.classifier import Classifier, Prediction, as_pixels
from hvit_edge.runtime.detector import Detection, Detector
from hvit_edge.runtime.embedder import Embedder
from hvit_edge.runtime.mask import Mask
from hvit_edge.runtime.segmenter import Segmenter
from hvit_edge.runtime.session import SelfTest, Session, TensorSpec, whole_number

__all__ = [
    "Classifier",
    "Detection",
    "Detector",
    "Embedder",
    "Mask",
    "Metadata",
    "Prediction",
    "Segmenter",
    "SelfTest",
    "Session",
    "TensorSpec",
    "as_pixels",
    "whole_number",
]
