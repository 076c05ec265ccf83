"""Store weights as symmetric int8 with one scale for each output channel."""

from __future__ import annotations

from dataclasses import dataclass

import torch

LARGEST = 127
TINY = 2.0**-40


@dataclass(frozen=True)
class QuantizedWeight:
    """Holds `weight = values * scales`, with scales along the first dimension."""

    values: torch.Tensor
    scales: torch.Tensor

    def dequantize(self) -> torch.Tensor:
        """Return the weights that the integers represent, float64."""
        return self.values.double() * _along_first(self.scales.double(), self.values)


def channel_scales(weight: torch.Tensor) -> torch.Tensor:
    """Return float32 scales [channels] that map the largest weight of each channel to 127.

    A channel of zeros gets the largest scale of all, so that no scale is zero.
    """
    largest = weight.detach().double().flatten(1).abs().amax(1)
    fallback = max(float(largest.max()), TINY)
    return (torch.where(largest > 0, largest, fallback) / LARGEST).float()


def quantize_weight(weight: torch.Tensor, scales: torch.Tensor | None = None) -> QuantizedWeight:
    """Round each weight to the nearest step of its channel."""
    scales = channel_scales(weight) if scales is None else scales
    steps = weight.detach().double() / _along_first(scales.double(), weight)
    values = steps.round().clamp(-LARGEST, LARGEST).to(torch.int8)
    return QuantizedWeight(values, scales)


def _along_first(scales: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return scales.reshape(-1, *[1] * (weight.dim() - 1))
