"""Every definition and key map against the published implementations."""

from __future__ import annotations

import numpy as np
import torch

from hvit_edge.models import build_model
from hvit_edge.weights import load_weights
from hvit_edge.weights.load import detect, expected_tensors

TOLERANCE = 2e-5  # of the largest output; float32


def build(golden) -> torch.nn.Module:
    """Return the model of a golden file."""
    return build_model(golden.model, input_size=golden.input_size)


def outputs_of(model: torch.nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return all outputs, and those of both heads of a Conformer."""
    outputs = model.forward_heads(x) if hasattr(model, "forward_heads") else model(x)
    return outputs if isinstance(outputs, tuple) else (outputs,)


def test_outputs_equal_the_published_ones(golden):
    model = build(golden).eval()
    load_weights(model, golden.state_dict())
    x = golden.input()
    for output, expected in zip(outputs_of(model, x), golden.outputs, strict=True):
        delta = np.abs(output[0].numpy().reshape(-1) - expected).max()
        assert delta <= TOLERANCE * np.abs(expected).max()
    if hasattr(model, "forward_heads"):
        mean = np.mean(golden.outputs, axis=0)
        assert np.abs(model(x)[0].numpy() - mean).max() <= TOLERANCE * np.abs(mean).max()


def test_key_maps_are_one_to_one(golden):
    with torch.device("meta"):
        model = build(golden)
        state = {key: torch.empty(shape) for key, shape in golden.keys.items()}
    key_format, converted = detect(model, state)
    assert key_format.name.split()[0] == golden.source
    assert converted.weights.keys() == expected_tensors(model).keys()
    # In the other direction, every published key is the origin of exactly one of our keys.
    origins = [key for keys in converted.published.values() for key in keys.split(", ")]
    assert sorted(origins) == sorted(golden.keys)
