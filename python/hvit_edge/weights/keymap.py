"""From a published checkpoint's keys to the keys of our own modules."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import torch
from torch import Tensor

StateDict = dict[str, Tensor]

# What implementations store beside their weights, and every model computes for itself.
IGNORED = re.compile(r"(^|\.)(num_batches_tracked|relative_position_index|attn_mask)$")


@dataclass(frozen=True)
class KeyFormat:
    """One published key format of one family.

    Attributes:
        name: how errors and reports call it.
        family: class name of the models that it fits.
        rules: (regular expression, replacement) pairs. Every rule is applied to every key, in
            order; what comes out is our own key.
        fused: own names of three layers that our module holds as one, and the name of that one.
    """

    name: str
    family: str
    rules: tuple[tuple[str, str], ...]
    fused: tuple[tuple[str, str, str], str] | None = None

    def own_key(self, key: str) -> str:
        """Our name of the published `key`."""
        for pattern, replacement in self.rules:
            key = re.sub(pattern, replacement, key)
        return key

    def convert(self, published: StateDict) -> Converted:
        """All of a checkpoint under our own keys, but for what every model computes for itself."""
        converted = Converted()
        for key, value in published.items():
            if not IGNORED.search(key):
                own = self.own_key(key)
                own = key if own in converted.weights else own  # a second one is unexpected
                converted.weights[own] = value
                converted.published[own] = key
        if self.fused:
            converted.fuse(*self.fused)
        return converted


@dataclass
class Converted:
    """A checkpoint under our own keys, and each key's published name."""

    weights: StateDict = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)

    def fuse(self, parts: tuple[str, str, str], whole: str) -> None:
        """Concatenate layers in the order of `parts`; an incomplete group stays as it is."""
        for first in [key for key in self.weights if f".{parts[0]}." in key]:
            keys = [first.replace(f".{parts[0]}.", f".{part}.") for part in parts]
            if all(key in self.weights for key in keys):
                fused = first.replace(f".{parts[0]}.", f".{whole}.")
                self.weights[fused] = torch.cat([self.weights.pop(key) for key in keys])
                self.published[fused] = ", ".join(self.published.pop(key) for key in keys)
