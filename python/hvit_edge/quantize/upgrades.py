"""Sort the steps in which layers move to lower precision.

A layer moves from fp32 to fp16 or int8, or from fp16 to int8, in steps that each save time and add
noise. Noises are assumed to add up, which makes the choice a knapsack problem. In the order of time
saved by noise added, the first k steps save at least as much time as any other assignment that adds
no more noise than they do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hvit_edge.quantize.cost import CostProfile
from hvit_edge.quantize.layers import Layer
from hvit_edge.quantize.sensitivity import Sensitivity


@dataclass(frozen=True)
class Upgrade:
    """Describes a step of a layer to a faster precision.

    Attributes:
        layer: the layer's name.
        precision: "int8" or "fp16".
        saved_ms: milliseconds saved in addition to the same layer's earlier step.
        noise: noise added to that of the same layer's earlier step.
    """

    layer: str
    precision: str
    saved_ms: float
    noise: float

    @property
    def worth(self) -> float:
        """Return the milliseconds saved for each unit of added noise."""
        return self.saved_ms / self.noise if self.noise > 0 else math.inf


def saved_ms(ms: Mapping[str, float], precision: str) -> float:
    """Return the milliseconds that `precision` saves over fp32; minus infinity if it is unknown."""
    return ms["fp32"] - ms[precision] if precision in ms else -math.inf


def order_upgrades(
    layers: Sequence[Layer], costs: CostProfile, sensitivities: Sequence[Sensitivity]
) -> list[Upgrade]:
    """Return every upgrade that saves time, sorted by time saved for the noise added.

    Args:
        layers: layers in graph order, which decides between equal steps.
        costs: a profile that has every layer.
        sensitivities: results in the precisions that may be chosen; one that overflows never is.
    """
    options: dict[str, list[Upgrade]] = {layer.name: [] for layer in layers}
    ms = {layer.name: costs.cost_of(layer).ms for layer in layers}
    for found in sensitivities:
        saved = saved_ms(ms[found.layer], found.precision)
        if saved > 0 and math.isfinite(found.noise):
            option = Upgrade(found.layer, found.precision, saved, found.noise)
            options[found.layer].append(option)
    steps = [step for listed in options.values() for step in _upgrades_of(listed)]
    return sorted(steps, key=lambda step: -step.worth)


def _upgrades_of(options: Sequence[Upgrade]) -> list[Upgrade]:
    """Return the steps along the upper hull of noise and time saved, each worth less
    than the last.
    """
    steps: list[Upgrade] = []
    reached: Upgrade | None = None
    while faster := [o for o in options if reached is None or o.saved_ms > reached.saved_ms]:
        parts = {_beyond(option, reached): option for option in faster}
        step = max(parts, key=lambda part: (part.worth, part.saved_ms))
        steps.append(step)
        reached = parts[step]
    return steps


def _beyond(option: Upgrade, reached: Upgrade | None) -> Upgrade:
    if reached is None:
        return option
    saved, noise = option.saved_ms - reached.saved_ms, option.noise - reached.noise
    return Upgrade(option.layer, option.precision, saved, noise)
