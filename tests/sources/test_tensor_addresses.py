"""Models of any inputs and outputs by their address need no preprocessing."""

import numpy as np
import pytest

import hvit_edge
from hvit_edge.errors import InputError
from hvit_edge.sources.named_model import named_model

NET = """\
import torch
from torch import nn


class Two(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.mix = nn.Linear(6, width)

    def forward(self, features, scale):
        mixed = self.mix(features) * scale
        return mixed, mixed.sum(-1)


def build(width=4):
    return Two(width).eval()
"""


def test_a_file_with_two_inputs_and_outputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    sample = {"features": np.ones((1, 6), np.float32), "scale": np.full((1, 1), 2, np.float32)}
    file = tmp_path / "two.pte"
    hvit_edge.compile("net.py:build", args={"width": 3}, inputs=sample, output=file)
    metadata = hvit_edge.Session(file).metadata
    assert (metadata.model_source, metadata.model_args) == ("net.py:build", '{"width": 3}')
    with pytest.raises(InputError, match="only if you name it: add model='net.py:build'"):
        hvit_edge.validate(file)
    assert hvit_edge.validate(file, model="net.py:build").passed
    with pytest.raises(InputError, match="expected the weights that the artifact was made from"):
        hvit_edge.validate(file, model="net.py:build", args={"width": 5})


def test_a_network_of_timm_with_one_channel_and_no_classes(fake_timm):
    fake_timm.config.crop_mode = "border"
    args = {"in_chans": 1, "num_classes": 2}
    create = fake_timm.create_model
    fake_timm.create_model = lambda name, in_chans, **given: create(name, **given)
    module = named_model("timm:tiny_net", weights="random", args=args, photos=False)
    assert module.hvit_edge.preprocess is None and module.hvit_edge.labels == ()
