"""Check what coremltools' passes do to the numbers of a package."""

import numpy as np
import pytest
import torch

ct = pytest.importorskip("coremltools")

from hvit_edge.coreml import load_program  # noqa: E402
from hvit_edge.targets.coreml.build import passes, quiet  # noqa: E402

UNIT = 3e-7  # of the largest value: one rounding of a product and one of a sum in float32


def test_a_product_and_a_sum_for_each_channel_stay_exact(call, translation):
    """As a batch norm with an epsilon, pixels would be 5e-6 too small."""
    generator = torch.Generator().manual_seed(0)
    scale, bias = (torch.rand(1, 3, 1, 1, generator=generator) + 0.5 for _ in range(2))
    image = 255 * torch.rand(1, 3, 5, 4, generator=generator)
    translated = translation(call(lambda x, s, b: x * s + b, scale, bias), image)
    with quiet():
        model = ct.convert(
            translated.program,
            convert_to="mlprogram",
            minimum_deployment_target=ct.target.iOS17,
            compute_precision=ct.precision.FLOAT32,
            pass_pipeline=passes(),
            skip_model_load=True,
        )
    got = load_program(model.package_path).run({"image": image.numpy()})["logits"]
    expected = (image.double() * scale + bias).reshape(1, -1).numpy()
    assert np.abs(got - expected).max() <= UNIT * expected.max()
