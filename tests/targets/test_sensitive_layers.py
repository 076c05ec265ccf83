"""Layers that lose the answers of an int8 program are float again in the same delegate."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import hvit_edge


class Far(nn.Module):
    """Applies linear layers to tokens; the second reads a feature far from the others."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (3, 40, 40, 40, 40, 5)
        self.layers = nn.ModuleList(map(nn.Linear, sizes, sizes[1:]))
        with torch.no_grad():
            self.layers[0].bias[0] = 3000.0
            self.layers[1].weight[:, 0] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x).relu()
        return x.mean(1)


@pytest.mark.parametrize(
    "program",
    [
        {"target": "native", "precision": "int8-dynamic"},
        {"target": "xnnpack", "precision": "int8-dynamic"},
        {"target": "xnnpack", "precision": "int8"},
        {"target": "xnnpack", "precision": "int8", "cpu": "arm"},
    ],
    ids=lambda program: "-".join(program.values()),
)
def test_a_sensitive_layer_stays_float_and_is_named(
    program, tiny_preprocess, photo_windows, tmp_path
):
    torch.manual_seed(0)
    data = photo_windows if program["precision"] == "int8" else None
    options = {"preprocess": tiny_preprocess, "calib_data": data, "output": tmp_path / "a.pte"}
    with pytest.warns(UserWarning, match=r"with layers\.1 in floating point it has"):
        artifact = hvit_edge.compile(Far().eval(), **program, **options)
    report = artifact.report.to_dict()
    assert report["delegates"] == 1 and not report["ops_outside"]
    *_, notice = report["calibration"]["notices"]
    assert notice.startswith("[calibration] int8 in all layers had a centered SQNR of")
    layers = hvit_edge.Session(artifact.path).metadata.layers
    assert not any("layers.1" in layer.layer for layer in layers) and layers
