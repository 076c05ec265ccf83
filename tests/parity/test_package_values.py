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


class Canceled(nn.Module):
    """Has a layer whose bias takes nearly all of its sums away."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.mix = nn.Conv2d(3, 32, 4, 4), nn.Conv2d(32, 32, 1)
        self.head = nn.Linear(32, 4)
        nn.init.normal_(self.mix.weight, mean=0.4, std=0.02)
        self.mix.bias = nn.Parameter(-self.mix.weight.detach().sum((1, 2, 3)) / 2)

    def forward(self, x):
        return self.head(self.mix(self.stem(x).sigmoid()).mean((2, 3)))


def test_the_rounding_of_a_large_bias_is_no_error_of_arithmetic(tiny_preprocess, tmp_path):
    report = hvit_edge.compile(
        Canceled().eval(),
        preprocess=tiny_preprocess,
        target="coreml",
        precision="fp16",
        output=tmp_path / "canceled.mlpackage",
    ).report
    (fidelity,) = (step for step in report.steps if step.name == "fidelity")
    assert fidelity.layer_db > 60  # results of float16, of sums that are not
