"""Fixtures of the weights tests: small checkpoints, written as the real file formats."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hvit_edge.models import build_model
from hvit_edge.weights.random_weights import random_state_dict


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def model() -> nn.Module:
    """MobileViT-XXS of 10 classes, as constructed."""
    return build_model("mobilevit_xxs", num_classes=10).eval()


@pytest.fixture
def state(model) -> dict[str, torch.Tensor]:
    """Return other weights for that model, by its own keys."""
    return random_state_dict(model)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a test asked for the network")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
