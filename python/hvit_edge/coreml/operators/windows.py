"""Compute the padding of convolutions and pools.

`same` and `same_lower` give ceil(input / stride) outputs. If the amount is odd, `same` puts the
larger half at the end, as TensorFlow's SAME and Core ML's BOTTOM_RIGHT_HEAVY do, and `same_lower`
at the beginning. (The text under MIL's `conv` says otherwise for even kernels and stride 1.)
"""

from __future__ import annotations

from collections.abc import Sequence


def spans(kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    """Return how many inputs a dilated kernel spans, for each dimension."""
    return [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]


def paddings(
    pad_type: str,
    sizes: Sequence[int],
    reach: Sequence[int],
    strides: Sequence[int],
    pad: Sequence[int],
) -> list[tuple[int, int]]:
    """Return the padding before and after each spatial dimension."""
    if pad_type == "custom":
        return [(pad[2 * i], pad[2 * i + 1]) for i in range(len(sizes))]
    if pad_type == "valid":
        return [(0, 0)] * len(sizes)
    pairs = []
    for size, span, stride in zip(sizes, reach, strides, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + span - size)
        less, more = total // 2, total - total // 2
        pairs.append((less, more) if pad_type == "same" else (more, less))
    return pairs


def flat_reversed(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return pairs in the order of `torch.nn.functional.pad`: the last dimension first."""
    return [amount for pair in reversed(pairs) for amount in pair]
