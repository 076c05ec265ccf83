"""Check that all targets behave alike in everything that is done in one place for them."""

import time

import numpy as np
import pytest
from torch import nn

import hvit_edge
from hvit_edge.compiler import source
from hvit_edge.quantize import bundled_calibration
from hvit_edge.targets.native import target as native
from hvit_edge.targets.xnnpack import target as xnnpack

OPTIONS = {"preprocess": hvit_edge.Preprocess((8, 8))}


class Small(nn.Module):
    """A pooled linear layer, which lowers to any target in little time."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 40)

    def forward(self, x):
        return self.head(x.flatten(2).transpose(1, 2)).mean(1)


@pytest.mark.parametrize("target", [xnnpack, native], ids=["xnnpack", "native"])
def test_int8_dynamic_without_images_is_calibrated_on_the_bundled_photos(
    target, tmp_path, monkeypatch
):
    quantize, seen = target.quantize, []

    def record(*arguments, calibration, **options):
        seen.append(calibration)
        return quantize(*arguments, calibration=calibration, **options)

    monkeypatch.setattr(target, "quantize", record)
    name = target.__name__.split(".")[-2]
    artifact = hvit_edge.compile(
        Small().eval(),
        target=name,
        precision="int8-dynamic",
        output=tmp_path / "a.pte",
        **OPTIONS,
    )
    expected = bundled_calibration(artifact.report.origin.preprocess).inputs
    assert len(seen) == 1 and len(seen[0].inputs) == len(expected) == 64
    assert all(map(np.array_equal, seen[0].inputs, expected))
    assert artifact.report.calibration is None, "the user gave nothing"


@pytest.mark.parametrize("target", ["xnnpack", "native", "coreml", "coreml-pte"])
def test_seconds_include_the_making_of_the_module(target, tmp_path, monkeypatch):
    prepare, waited = source.prepare_subject, []

    def later(*arguments):
        waited.append(1000.0)
        return prepare(*arguments)

    clock = time.perf_counter
    monkeypatch.setattr(time, "perf_counter", lambda: clock() + sum(waited))
    monkeypatch.setattr(source, "prepare_subject", later)
    name = "a.mlpackage" if target == "coreml" else "a.pte"
    artifact = hvit_edge.compile(
        Small().eval(), target=target, precision="fp32", output=tmp_path / name, **OPTIONS
    )
    assert artifact.report.seconds > 1000
