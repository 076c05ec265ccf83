"""Rules from ATen operators to those of Core ML. Importing this registers all of them."""

from hvit_edge.targets.coreml.rules import attention, elementwise, layers, views
from hvit_edge.targets.coreml.rules.registry import RULES

__all__ = ["RULES", "attention", "elementwise", "layers", "views"]
