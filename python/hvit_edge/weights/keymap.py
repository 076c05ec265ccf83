"""Map the keys of a published checkpoint to the keys of our modules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess

StateDict = dict[str, Tensor]

# Implementations store these next to their weights, but every model computes them itself.
IGNORED = re.compile(r"(^|\.)(num_batches_tracked|relative_position_index|attn_mask)$")


@dataclass(frozen=True)
class KeyFormat:
    """Describes one published key format of one family.

    Attributes:
        name: name of the format in errors and reports.
        family: class name of the models that it fits.
        rules: (regular expression, replacement) pairs. Every rule is applied to every key, in
            order; the result is our key.
        fused: names of three layers that are one layer in our module, and the name of that layer.
        preprocess: the preprocessing of all published networks in this format; None if they
            differ, or if it is the default of the registry.
    """

    name: str
    family: str
    rules: tuple[tuple[str, str], ...]
    fused: tuple[tuple[str, str, str], str] | None = None
    preprocess: Preprocess | None = None

    def own_key(self, key: str) -> str:
        """Return our name of the published `key`."""
        for pattern, replacement in self.rules:
            key = re.sub(pattern, replacement, key)
        return key

    def layout(self, published: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the published keys of each weight, by our key, in the order of their layers.

        Tensors that every model computes itself are left out. An incomplete group of `fused` layers
        keeps its keys.
        """
        found: dict[str, tuple[str, ...]] = {}
        for key in published:
            if not IGNORED.search(key):
                own = self.own_key(key)
                own = key if own in found else own  # keep both if two keys map to one
                found[own] = (key,)
        if self.fused:
            _fuse(found, *self.fused)
        return found

    def convert(self, published: StateDict) -> Converted:
        """Return the complete checkpoint under our keys.

        Raises:
            InputError: layers that are fused have different widths.
        """
        converted = Converted()
        for own, keys in self.layout(published).items():
            parts = [published[key] for key in keys]
            converted.weights[own] = parts[0] if len(parts) == 1 else _joined(keys, parts)
            converted.published[own] = ", ".join(keys)
        return converted


@dataclass
class Converted:
    """Holds a checkpoint under our keys, and the published name of each key."""

    weights: StateDict = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)


def _joined(keys: tuple[str, ...], parts: list[Tensor]) -> Tensor:
    shapes = [tuple(part.shape) for part in parts]
    if len({(shape[1:], len(shape)) for shape in shapes}) != 1 or not shapes[0]:
        raise InputError(
            f"[load_weights] expected layers of one width, got {', '.join(keys)} with shapes"
            f" {', '.join(map(str, shapes))}, which cannot be joined; is it a checkpoint of this"
            " model?"
        )
    return torch.cat(parts)


def _fuse(found: dict[str, tuple[str, ...]], parts: tuple[str, str, str], whole: str) -> None:
    """Join the layers of `parts` in their order; an incomplete group does not change."""
    for first in [key for key in found if f".{parts[0]}." in key]:
        keys = [first.replace(f".{parts[0]}.", f".{part}.") for part in parts]
        if all(key in found for key in keys):
            fused = first.replace(f".{parts[0]}.", f".{whole}.")
            found[fused] = sum((found.pop(key) for key in keys), ())
