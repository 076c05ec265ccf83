"""Define the networks and register them by name. Importing this package registers all of them."""

from hvit_edge.models import conformer, conformer1d, deeplab, mobilevit, shunted, ssd, swin
from hvit_edge.models.registry import (
    ModelInfo,
    Published,
    build_model,
    list_models,
    model_info,
    model_task,
    register_model,
)
from hvit_edge.models.sequences import find_sequence_model, sequence_models

__all__ = [
    "ModelInfo",
    "Published",
    "build_model",
    "conformer",
    "conformer1d",
    "deeplab",
    "find_sequence_model",
    "list_models",
    "mobilevit",
    "model_info",
    "model_task",
    "register_model",
    "sequence_models",
    "shunted",
    "ssd",
    "swin",
]
