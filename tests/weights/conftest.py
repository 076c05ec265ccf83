"""Fixtures of the weights tests: small checkpoints, written as the real file formats."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from hvit_edge.models import build_model
from hvit_edge.weights.evidence import Given, read_evidence
from hvit_edge.weights.hub import files_in
from hvit_edge.weights.random_weights import random_state_dict

from .sample_configs import TIMM_1000


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


@pytest.fixture
def timm_folder(tmp_path):
    """A folder like timm's hub repositories, of our own keys at 1000 classes."""
    folder = tmp_path / "timm"
    folder.mkdir()
    save_file(random_state_dict(build_model("mobilevit_xxs")), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(TIMM_1000))
    return folder


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the JSON files of a folder and returns the folder."""

    def write(**files):
        for name, content in files.items():
            path = tmp_path / f"{name}.json"
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path

    return write


@pytest.fixture
def evidence(write):
    def read(name="mobilevit_xxs", given=None, **files):
        folder = write(**files)
        return read_evidence(name, "model.safetensors", files_in(folder), given or Given())

    return read
