"""Export a module to a graph, and rewrite it exactly so that one delegate accepts all of it."""

from hvit_edge.lowering.export import export_graph
from hvit_edge.lowering.pipeline import (
    ARM_HALF_PIPELINE,
    ARM_PIPELINE,
    COREML_PIPELINE,
    NATIVE_PIPELINE,
    PIPELINE,
    PassReport,
    Rewrite,
    pipeline_for,
    rewrite,
)

__all__ = [
    "ARM_HALF_PIPELINE",
    "ARM_PIPELINE",
    "COREML_PIPELINE",
    "NATIVE_PIPELINE",
    "PIPELINE",
    "PassReport",
    "Rewrite",
    "export_graph",
    "pipeline_for",
    "rewrite",
]
