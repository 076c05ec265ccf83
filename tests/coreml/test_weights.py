"""Weights that coremltools compressed, as saved packages hold them."""

import coremltools as ct
import coremltools.optimize.coreml as cto
import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb

from hvit_edge.coreml import load_program

BLOCKS4 = {"dtype": "int4", "granularity": "per_block", "block_size": 4}
GROUPS4 = {"nbits": 4, "granularity": "per_grouped_channel", "group_size": 4}
QUANTIZE = (cto.linear_quantize_weights, cto.OpLinearQuantizerConfig)
PALETTIZE = (cto.palettize_weights, cto.OpPalettizerConfig)
PRUNE = (cto.prune_weights, cto.OpMagnitudePrunerConfig)
CASES = {
    "linear symmetric": (17, *QUANTIZE, {"mode": "linear_symmetric"}),
    "linear": (17, *QUANTIZE, {"mode": "linear"}),
    "linear, iOS 18": (18, *QUANTIZE, {"mode": "linear"}),
    "int4 in blocks": (18, *QUANTIZE, {"mode": "linear", **BLOCKS4}),
    "palettes of 6 bits": (17, *PALETTIZE, {"nbits": 6}),
    "palettes of 4 bits": (17, *PALETTIZE, {"nbits": 4}),
    "palettes of 6 bits, iOS 18": (18, *PALETTIZE, {"nbits": 6}),
    "palettes of 4 bits by groups": (18, *PALETTIZE, GROUPS4),
    "pruned": (17, *PRUNE, {"target_sparsity": 0.5}),
    "pruned, iOS 18": (18, *PRUNE, {"target_sparsity": 0.5}),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """`network(ios)`: a package of float16 weights, a convolution and a linear layer."""
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((16, 8, 3, 3)).astype(np.float32)
    matrix = rng.standard_normal((12, 16)).astype(np.float32)

    def make(ios):
        target = getattr(ct.target, f"iOS{ios}")

        @mb.program(input_specs=[mb.TensorSpec((1, 8, 6, 6))], opset_version=target)
        def body(x):
            y = mb.reduce_mean(x=mb.conv(x=x, weight=kernel), axes=[2, 3])
            return mb.linear(x=y, weight=matrix, name="y")

        return ct.convert(
            body,
            convert_to="mlprogram",
            minimum_deployment_target=target,
            compute_precision=ct.precision.FLOAT16,
            skip_model_load=True,
        )

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_compressed_weights_are_worth_what_coremltools_decompresses(name, network, tmp_path):
    ios, compress, operation, options = CASES[name]
    config = cto.OptimizationConfig(global_config=operation(weight_threshold=0, **options))
    compressed = compress(network(ios), config)
    path = tmp_path / "compressed.mlpackage"
    compressed.save(str(path))
    cto.decompress_weights(compressed).save(str(tmp_path / "plain.mlpackage"))
    made, plain = load_program(path), load_program(tmp_path / "plain.mlpackage")
    kinds = [op.op_type for op in made.operators]
    assert sum(kind.startswith("constexpr_") for kind in kinds) >= 2
    assert not any(op.op_type.startswith("constexpr_") for op in plain.operators)
    x = np.random.default_rng(1).standard_normal((1, 8, 6, 6)).astype(np.float32)
    results = [next(iter(each.run({"x": x}).values())) for each in (made, plain)]
    assert np.array_equal(*results)
