"""Quantizes as ExecuTorch does by default, to compare with: XNNPACKQuantizer through pt2e.

Weights are int8 with a scale for each output channel. "Static" rounds every input and output of
convolutions, linears, additions, products and concatenations, with ranges from calibration.
"Dynamic" rounds the inputs of linears and convolutions, with one range per tensor, found at run
time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from torch import nn
from torch.fx import GraphModule
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

Inputs = tuple[torch.Tensor, ...]


def stock_quantized(
    module: nn.Module,
    example_inputs: Inputs,
    calibration_inputs: Sequence[Inputs],
    *,
    dynamic: bool,
) -> GraphModule:
    """Return `module` quantized as by stock ExecuTorch; it rounds in eager PyTorch.

    Args:
        module: in eval mode; it stays unchanged. It may be a graph of `export_graph`. If norms are
            written as linears there, their averages are rounded as well.
        example_inputs: as for `torch.export`.
        calibration_inputs: each runs once. "dynamic" runs only the first, to observe the weights.
        dynamic: find the ranges of activations at run time; otherwise they are fixed.
    """
    exported = torch.export.export(module, example_inputs).module(check_guards=False)
    config = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=dynamic)
    prepared = prepare_pt2e(exported, XNNPACKQuantizer().set_global(config))
    with torch.inference_mode():
        for inputs in calibration_inputs[:1] if dynamic else calibration_inputs:
            prepared(*inputs)
    return convert_pt2e(prepared)
