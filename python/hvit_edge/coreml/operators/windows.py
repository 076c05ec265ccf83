"""How much convolutions and pools pad.

`same` and `same_lower` make ceil(input / stride) outputs. Of an odd amount `same` puts the larger
half at the end, as TensorFlow's SAME and Core ML's BOTTOM_RIGHT_HEAVY do, `same_lower` at the
beginning. (The text under MIL's `conv` says otherwise for even kernels and stride 1.)
"""

from __future__ import annotations

from collections.abc import Sequence


def spans(kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    """How many inputs a dilated kernel reaches over."""
    return [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]


def paddings(
    pad_type: str,
    sizes: Sequence[int],
    reach: Sequence[int],
    strides: Sequence[int],
    pad: Sequence[int],
) -> list[tuple[int, int]]:
    """What goes before and after each spatial dimension."""
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
    """In the order of `torch.nn.functional.pad`: the last dimension first."""
    return [amount for pair in reversed(pairs) for amount in pair]
