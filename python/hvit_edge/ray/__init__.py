"""Run artifacts and evaluations on a Ray cluster; imports ray only inside of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hvit_edge.ray.predictor import Predictor

__all__ = ["Predictor"]


def __getattr__(name: str) -> Any:
    if name == "Predictor":  # it imports the runtime, which the command line may not need
        from hvit_edge.ray.predictor import Predictor

        return Predictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
