"""Set the statistics of batch norms for random weights, so that no signal dies or explodes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

STEPS = 8
"""A mean is rounded to a multiple of 1/STEPS of the standard deviation."""


def settle_norms(module: nn.Module, example: Tensor) -> None:
    """Set the running statistics of batch norms close to those of an example.

    With random statistics, the outputs of deep networks become constant or infinite. The
    statistics are measured in float64 and rounded, the standard deviation of a layer to a power of
    two, so that they are the same on every machine. The drawn value of each channel stays as a
    deviation from them.

    Args:
        module: in eval mode, float32. A module that does not run in float64 is not changed.
        example: float32 [N, 3, H, W].
    """
    norms = [
        m for m in module.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None
    ]
    if not norms:
        return
    drawn = {norm: (norm.running_mean.clone(), norm.running_var.clone()) for norm in norms}
    hooks = [norm.register_forward_pre_hook(_measure) for norm in norms]
    try:
        with torch.no_grad():
            module.double()(example.double())
    except Exception:  # if float32 fails as well, `compile` reports it
        for norm, (mean, variance) in drawn.items():
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
    finally:
        for hook in hooks:
            hook.remove()
        module.float()


def _measure(norm: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
    """Set a norm's statistics to those of its input, before it is used."""
    x = inputs[0]
    over = [dimension for dimension in range(x.dim()) if dimension != 1]
    spread = float(x.var(over, unbiased=False).mean())
    if not math.isfinite(spread) or spread <= 0:
        return
    scale = 2.0 ** round(math.log2(spread) / 2)
    mean = torch.round(x.mean(over) / scale * STEPS) / STEPS
    norm.running_mean.copy_((mean + norm.running_mean) * scale)
    norm.running_var.mul_(scale * scale)
