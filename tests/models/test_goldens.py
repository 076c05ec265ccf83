"""Every definition and key map against the published implementations."""

from __future__ import annotations

import numpy as np
import torch

from hvit_edge.models import build_model
from hvit_edge.weights import load_weights
from hvit_edge.weights.load import detect, expected_tensors

TOLERANCE = 2e-5  # of the largest output; float32


def test_outputs_equal_the_published_ones(golden):
    model = build_model(golden.model, input_size=golden.input_size).eval()
    load_weights(model, golden.state_dict())
    x = golden.input()
    heads = model.forward_heads(x) if len(golden.outputs) == 2 else (model(x),)
    for logits, expected in zip(heads, golden.outputs, strict=True):
        delta = np.abs(logits[0].numpy() - expected).max()
        assert delta <= TOLERANCE * np.abs(expected).max()
    if len(golden.outputs) == 2:
        mean = np.mean(golden.outputs, axis=0)
        assert np.abs(model(x)[0].numpy() - mean).max() <= TOLERANCE * np.abs(mean).max()


def test_key_maps_are_one_to_one(golden):
    with torch.device("meta"):
        model = build_model(golden.model, input_size=golden.input_size)
        state = {key: torch.empty(shape) for key, shape in golden.keys.items()}
    key_format, converted = detect(model, state)
    assert key_format.name.split()[0] == golden.source
    assert converted.weights.keys() == expected_tensors(model).keys()
    # In the other direction, every published key is the origin of exactly one of our keys.
    origins = [key for keys in converted.published.values() for key in keys.split(", ")]
    assert sorted(origins) == sorted(golden.keys)
