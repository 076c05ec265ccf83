"""Layers of a Core ML package are found in its graph, even if coremltools has merged some."""

import pytest
import torch
from torch import nn

import hvit_edge


class Scaled(nn.Module):
    """Has a layer scale after a linear, and the same linear twice."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.mix, self.head = nn.Conv2d(3, 32, 4, 4), nn.Linear(32, 32), nn.Linear(32, 4)
        self.gamma = nn.Parameter(torch.linspace(-0.3, 0.5, 32))

    def forward(self, x):
        tokens = self.stem(x).flatten(2).transpose(1, 2)
        tokens = tokens + self.gamma * self.mix(tokens) * torch.sigmoid(self.mix(tokens))
        return self.head((tokens + self.gamma * self.mix(tokens)).mean(1))


@pytest.mark.parametrize("precision", ["fp16", "w8"])
def test_scales_and_repeated_layers_pass_the_gate(precision, tiny_preprocess, tmp_path):
    path = tmp_path / "scaled.mlpackage"
    hvit_edge.compile(
        Scaled().eval(),
        preprocess=tiny_preprocess,
        target="coreml",
        precision=precision,
        output=path,
    )
    assert path.is_dir()
