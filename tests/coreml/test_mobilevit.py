"""The whole path: a network in PyTorch, its Core ML package, the package evaluated."""

import time

import coremltools as ct
import numpy as np
import pytest
import torch

import hvit_edge
from hvit_edge.coreml import load_program

SIZE = 64


@pytest.fixture(scope="module")
def exported():
    model = hvit_edge.create_model(
        "mobilevit_xxs", weights="random", input_size=(SIZE, SIZE)
    ).eval()
    coarse = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    photo = torch.nn.functional.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        logits = model(photo).double().numpy()
    program = torch.export.export(model, (photo,)).run_decompositions({})
    return program, photo.numpy(), logits


@pytest.fixture(scope="module")
def converted(exported, tmp_path_factory):
    def convert(precision, ios):
        path = tmp_path_factory.mktemp("mobilevit") / "model.mlpackage"
        ct.convert(
            exported[0],
            minimum_deployment_target=getattr(ct.target, f"iOS{ios}"),
            compute_precision=precision,
            skip_model_load=True,
        ).save(str(path))
        return load_program(path)

    return convert


@pytest.mark.parametrize("ios", [17, 18])
def test_float32_package_computes_what_pytorch_does(exported, converted, ios):
    _, photo, logits = exported
    program = converted(ct.precision.FLOAT32, ios)
    (got,) = program.run({program.inputs[0].name: photo}).values()
    assert np.abs(got - logits).max() <= 1e-4 * np.abs(logits).max()


def test_float16_package_keeps_the_direction(exported, converted, record_property):
    _, photo, logits = exported
    program = converted(ct.precision.FLOAT16, 17)
    cosines = {}
    start = time.perf_counter()
    for storage in (True, False):
        (got,) = program.run({program.inputs[0].name: photo}, storage=storage).values()
        got = got.astype(np.float64)
        cosines[storage] = (got * logits).sum() / np.sqrt((got**2).sum() * (logits**2).sum())
    seconds = (time.perf_counter() - start) / 2
    record_property(
        "measured",
        f"Core ML float16 mobilevit_xxs at {SIZE}: cosine {cosines[True]:.7f},"
        f" {cosines[False]:.7f} without storage, {seconds:.3f} s",
    )
    assert 0.9995 <= cosines[True] < cosines[False]
    assert seconds < 3
