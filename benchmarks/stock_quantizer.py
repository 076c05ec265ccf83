"""What a user gets from ExecuTorch's own int8, to compare with: XNNPACKQuantizer through pt2e.

Weights are int8 with a scale for each output channel. "Static" rounds every activation that
convolutions, linears, additions, products and concatenations read or write, with ranges from
calibration; "dynamic" rounds what linears and convolutions read, with one range for each tensor,
found at run time.
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
    """`module` as stock ExecuTorch would quantise it, rounding in eager PyTorch.

    Args:
        module: in eval mode; it stays as it is. A graph of `export_graph` is one too, but where
            norms are written out as linears, their averages are rounded as well.
        example_inputs: as for `torch.export`.
        calibration_inputs: run once each; "dynamic" runs the first, which shows it the weights.
        dynamic: ranges of activations at run time, or else fixed.
    """
    exported = torch.export.export(module, example_inputs).module(check_guards=False)
    config = get_symmetric_quantization_config(is_per_channel=True, is_dynamic=dynamic)
    prepared = prepare_pt2e(exported, XNNPACKQuantizer().set_global(config))
    with torch.inference_mode():
        for inputs in calibration_inputs[:1] if dynamic else calibration_inputs:
            prepared(*inputs)
    return convert_pt2e(prepared)
