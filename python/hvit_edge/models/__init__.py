"""Readable definitions of the networks, by name. Importing this package registers all of them."""

from hvit_edge.models import conformer, mobilevit, shunted, swin
from hvit_edge.models.registry import (
    ModelInfo,
    Published,
    build_model,
    list_models,
    model_info,
    register_model,
)

__all__ = [
    "ModelInfo",
    "Published",
    "build_model",
    "conformer",
    "list_models",
    "mobilevit",
    "model_info",
    "register_model",
    "shunted",
    "swin",
]
