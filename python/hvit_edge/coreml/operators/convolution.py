"""Compute convolutions over one to three spatial dimensions."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from hvit_edge.coreml.operators.registry import operator
from hvit_edge.coreml.operators.windows import flat_reversed, paddings, spans

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@operator("conv")
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: list[int],
    pad_type: str,
    pad: list[int],
    dilations: list[int],
    groups: int,
) -> Tensor:
    """Convolve x [n, C_in, ...] with weight [C_out, C_in / groups, ...] and bias [C_out]."""
    reach = spans(weight.shape[2:], dilations)
    pairs = paddings(pad_type, x.shape[2:], reach, strides, pad)
    if all(before == after for before, after in pairs):
        amounts = [before for before, _ in pairs]
    else:
        x = F.pad(x, flat_reversed(pairs))
        amounts = [0] * len(pairs)
    return CONVOLUTIONS[x.ndim - 2](x, weight, bias, strides, amounts, dilations, groups)


@operator("conv_transpose")
def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: list[int],
    pad_type: str,
    pad: list[int],
    dilations: list[int],
    groups: int,
    output_shape: list[int] | None = None,
) -> Tensor:
    """Return the gradient of `conv` for x [n, C_in, ...], weight [C_in, C_out / groups, ...].

    The full result is cropped; if it is too short, it is continued by the bias.
    """
    rank = x.ndim - 2
    full = TRANSPOSED[rank](x, weight, None, strides, 0, 0, groups, dilations)
    targets = output_shape[2:] if output_shape is not None else None
    for i in range(rank):
        target = None if targets is None else targets[i]
        begin, end = _kept(pad_type, x.shape[2 + i], full.shape[2 + i], strides[i], pad, i, target)
        lacking = max(0, end - full.shape[2 + i])
        full = F.pad(full, [0, 0] * (rank - 1 - i) + [0, lacking]).narrow(2 + i, begin, end - begin)
    return full if bias is None else full + bias.reshape(-1, *[1] * rank)


def _kept(
    pad_type: str, size: int, length: int, stride: int, pad: list[int], i: int, target: int | None
) -> tuple[int, int]:
    """Return the begin and end of the output in the full result, along dimension `i`."""
    if pad_type == "same":
        target = size * stride if target is None else target
        begin = max(0, length - target) // 2
        return begin, begin + target
    before, after = (pad[2 * i], pad[2 * i + 1]) if pad_type == "custom" else (0, 0)
    return before, length - after if target is None else before + target
