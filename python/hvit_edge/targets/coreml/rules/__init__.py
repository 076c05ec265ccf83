"""Translate ATen operators to Core ML; importing this package registers all rules."""

from hvit_edge.targets.coreml.rules import (
    activations,
    attention,
    convolutions,
    elementwise,
    fills,
    norms,
    padding,
    pools,
    products,
    rearranging,
    reductions,
    resizing,
    sorting,
    tables,
    views,
)
from hvit_edge.targets.coreml.rules.registry import RULES

__all__ = [
    "RULES",
    "activations",
    "attention",
    "convolutions",
    "elementwise",
    "fills",
    "norms",
    "padding",
    "pools",
    "products",
    "rearranging",
    "reductions",
    "resizing",
    "sorting",
    "tables",
    "views",
]
