"""Scale each channel between layers so that it suits writer and reader; the function stays.

Identity:   W2 f(W1 x + b1) = (W2 / s) f(s W1 x + s b1),   s > 0 a factor for each channel,
            f anything that commutes with it, see `channels`

    x -> linear(W1, b1) -> f -> linear(W2) -> y
    x -> linear(s W1, s b1) -> f -> linear(W2 / s) -> y

This is cross-layer equalization, https://arxiv.org/abs/1906.04721. It also covers the scale and
shift of norms, values of attention, and channels that several layers write or read. Preconditions
are those of `channels`; any other channel keeps its scale. Factors are folded in float64, exact up
to one rounding of each weight.

The result depends only on the function, not on how a checkpoint spreads scales over its layers:
`_normalized` maps every spread to the same one, and a fixed number of sweeps follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.fx import GraphModule

from hvit_edge.lowering.graph import Editor, cleanup, constant_tensor
from hvit_edge.quantize.channels import FIXED, Absorber, find_absorbers

SWEEPS = 16
STEP = 0.125  # half of what balances one pair, so that neighbors do not overshoot


def equalize(graph: GraphModule) -> int:
    """Scale every channel that can be scaled, in place.

    Afterwards the Euclidean norm of the weights that write a channel is about the norm of those
    that read it. Balancing the largest values instead costs 0.3 to 1.2 dB, because they follow
    outliers. Biases and shifts of norms count among the constants that write: they widen the range
    of the channel as weights do. A channel that is only written or only read by zeros is not
    balanced.

    Args:
        graph: a rewritten graph; constants that it shares with a module are not changed.

    Returns:
        The number of linears, convolutions and norm scales that were paired with their readers.
    """
    absorbers = find_absorbers(graph)
    factors, free = _balanced([_Energies.of(graph, item) for item in absorbers])
    for item in absorbers:
        _rescale(graph, item, factors)
    cleanup(graph)
    return len({item.node for item in absorbers if item.is_weight and free[item.writes].any()})


@dataclass(frozen=True)
class _Energies:
    """Holds sums of squares of a constant, with length one along dimensions that have one label.

    They are zero if the class that is written is the class that is read: the factors cancel there.
    """

    values: torch.Tensor
    writes: torch.Tensor
    reads: torch.Tensor

    @classmethod
    def of(cls, graph: GraphModule, item: Absorber) -> _Energies:
        values = constant_tensor(graph, item.constant).double().square()
        rank = values.dim()
        writes, reads = (_to_rank(labels, rank) for labels in (item.writes, item.reads))
        alike = [dim for dim in range(rank) if writes.shape[dim] == reads.shape[dim] == 1]
        values = values.sum(alike, keepdim=True) if alike else values
        return cls(values.masked_fill(writes == reads, 0), writes, reads)

    def scaled(self, factors: torch.Tensor) -> torch.Tensor:
        return self.values * (factors[self.writes] / factors[self.reads]).square()


def _balanced(energies: Sequence[_Energies]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the factor of each class, and whether it is free: written and read by constants."""
    count = 1 + max((int(item.writes.max()) for item in energies), default=FIXED)
    written, read = (torch.zeros(count, dtype=torch.bool) for _ in range(2))
    for item in energies:
        written[item.writes] = True
        read[item.reads] = True
    free = written & read
    free[FIXED] = False
    energies = [item for item in energies if (free[item.writes] | free[item.reads]).any()]
    factors = _normalized(energies, free)
    for _ in range(SWEEPS):
        rows, columns = (torch.zeros_like(factors) for _ in range(2))
        for item in energies:
            scaled = item.scaled(factors)
            _add_to(rows, item.writes, scaled)
            _add_to(columns, item.reads, scaled)
        known = free & (rows > 0) & (columns > 0)
        factors[known] *= (columns[known] / rows[known]) ** STEP
    return factors, free


def _normalized(energies: Sequence[_Energies], free: torch.Tensor) -> torch.Tensor:
    """Return factors that make the norm of the first constant that writes each class one.

    In graph order, the factors of what a layer reads are known before the factors of what it
    writes, so no earlier spread is left in them.
    """
    factors = torch.ones(len(free), dtype=torch.float64)
    unset = free.clone()
    for item in energies:
        rows = torch.zeros_like(factors)
        _add_to(rows, item.writes, item.scaled(factors))
        found = unset & (rows > 0)
        factors[found] = rows[found].rsqrt()
        unset &= ~found
    return factors


def _add_to(sums: torch.Tensor, labels: torch.Tensor, values: torch.Tensor) -> None:
    """Add the values with each label to `sums[label]`, in place."""
    alike = [dim for dim in range(values.dim()) if labels.shape[dim] == 1]
    values = values.sum(alike, keepdim=True) if alike else values
    sums.scatter_add_(0, labels.flatten(), values.flatten())


def _to_rank(labels: torch.Tensor, rank: int) -> torch.Tensor:
    return labels.reshape([1] * (rank - labels.dim()) + list(labels.shape))


def _rescale(graph: GraphModule, item: Absorber, factors: torch.Tensor) -> None:
    """Replace the constant that an operator reads by the scaled constant."""
    scale = factors[item.writes] / factors[item.reads]
    if (scale == 1).all():
        return
    values = constant_tensor(graph, item.constant).double() * scale
    name = f"{item.constant.target}_equalized"
    equalized = Editor(graph, item.node).constant_like(name, values, item.node)
    item.node.replace_input_with(item.constant, equalized)
