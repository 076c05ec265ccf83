"""Modules whose weights are loaded next are built without random numbers."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from hvit_edge.models import build_model
from hvit_edge.models.initialization import Uninitialized, WithoutMemory, truncated_normal_
from hvit_edge.weights import create_model

SMALL = ["mobilevit_xxs", "conformer_ti", "shunted_t", "swin_t"]  # one a family


@pytest.mark.parametrize("name", SMALL)
def test_no_random_number_is_drawn_and_buffers_are_computed(name):
    before = torch.get_rng_state()
    with Uninitialized():
        model = build_model(name)
    assert torch.equal(torch.get_rng_state(), before)
    for key, buffer in build_model(name).named_buffers():
        assert torch.equal(model.get_buffer(key), buffer), key


@pytest.mark.parametrize("make", [lambda: nn.Linear(3, 4), lambda: nn.Conv2d(3, 4, 1)])
def test_weights_of_pytorchs_layers_are_not_drawn(make):
    before = torch.get_rng_state()
    with Uninitialized():
        make()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", SMALL)
def test_weights_without_memory_have_the_shapes_of_the_others(name):
    with WithoutMemory():
        model = build_model(name)
    real = build_model(name)
    assert all(parameter.is_meta for parameter in model.parameters())
    shapes = {key: value.shape for key, value in model.state_dict().items()}
    assert shapes == {key: value.shape for key, value in real.state_dict().items()}


def test_values_are_drawn_outside_of_the_block():
    values = truncated_normal_(torch.empty(10_000))
    expected = nn.init.trunc_normal_(
        torch.empty(10_000), std=0.02, generator=torch.Generator().manual_seed(1)
    )
    assert float(values.std()) == pytest.approx(float(expected.std()), rel=0.05)


def test_create_model_draws_nothing_and_fills_every_parameter():
    before = torch.get_rng_state()
    first = create_model("mobilevit_xxs", weights="random")
    assert torch.equal(torch.get_rng_state(), before)
    torch.nn.init.constant_(first.get_parameter("head.weight"), 7)
    second = create_model("mobilevit_xxs", weights=first.state_dict())
    for key, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[key], value), key


def test_describing_the_models_does_not_import_pytorchs_compiler():
    code = "import sys, hvit_edge; hvit_edge.list_models(); print('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
