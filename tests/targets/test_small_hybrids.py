"""Kinds of blocks of other hybrids, compiled for every target by the public interface."""

import numpy as np
import pytest
import torch
from small_hybrids import BLOCKS, SIZE, small_hybrid

import hvit_edge

PREPROCESS = hvit_edge.Preprocess((SIZE, SIZE))


@pytest.fixture(params=BLOCKS, ids=lambda block: block.__name__)
def module(request):
    return small_hybrid(request.param)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["xnnpack", "native"])
def test_one_delegate_gives_pytorchs_answer(module, target, tmp_path):
    artifact = hvit_edge.compile(
        module, preprocess=PREPROCESS, target=target, output=tmp_path / "a.pte"
    )
    report = artifact.report
    assert report.rewrites_left_out == ()
    assert (report.lowered.delegates, report.lowered.ops_outside) == (1, [])
    image = np.random.default_rng(0).standard_normal((1, 3, SIZE, SIZE), np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(
        hvit_edge.Session(artifact.path)(image)[0], expected, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.slow
def test_a_package_gives_pytorchs_answer(module, tmp_path):
    report = hvit_edge.compile(
        module, preprocess=PREPROCESS, target="coreml", output=tmp_path / "a.mlpackage"
    ).report
    assert report.rewrites_left_out == ()
    assert report.parity.cosine > 0.9999
