"""Exact rewrites that turn an exported graph into one that a delegate takes whole."""

from hvit_edge.lowering.export import export_graph
from hvit_edge.lowering.pipeline import COREML_PIPELINE, PIPELINE, PassReport, Rewrite, rewrite

__all__ = ["COREML_PIPELINE", "PIPELINE", "PassReport", "Rewrite", "export_graph", "rewrite"]
