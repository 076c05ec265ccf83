"""From a published checkpoint's keys to the keys of our own modules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess

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
        preprocess: what the published networks in this format take, if all of them take the same
            and it is not the default of the registry; None otherwise.
    """

    name: str
    family: str
    rules: tuple[tuple[str, str], ...]
    fused: tuple[tuple[str, str, str], str] | None = None
    preprocess: Preprocess | None = None

    def own_key(self, key: str) -> str:
        """Our name of the published `key`."""
        for pattern, replacement in self.rules:
            key = re.sub(pattern, replacement, key)
        return key

    def layout(self, published: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Our key of each weight, and the published keys that it is made of, in their order.

        What every model computes for itself is left out. An incomplete group of `fused` layers
        keeps its keys.
        """
        found: dict[str, tuple[str, ...]] = {}
        for key in published:
            if not IGNORED.search(key):
                own = self.own_key(key)
                own = key if own in found else own  # a second one is unexpected
                found[own] = (key,)
        if self.fused:
            _fuse(found, *self.fused)
        return found

    def convert(self, published: StateDict) -> Converted:
        """Return all of a checkpoint under our own keys."""
        converted = Converted()
        for own, keys in self.layout(published).items():
            parts = [published[key] for key in keys]
            converted.weights[own] = parts[0] if len(parts) == 1 else _joined(keys, parts)
            converted.published[own] = ", ".join(keys)
        return converted


@dataclass
class Converted:
    """A checkpoint under our own keys, and each key's published name."""

    weights: StateDict = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)


def _joined(keys: tuple[str, ...], parts: list[Tensor]) -> Tensor:
    shapes = [tuple(part.shape) for part in parts]
    if len({(shape[1:], len(shape)) for shape in shapes}) != 1 or not shapes[0]:
        raise InputError(
            f"[load_weights] expected layers of one width, got {', '.join(keys)} with shapes"
            f" {', '.join(map(str, shapes))}, which cannot be joined; is it a checkpoint of this"
            " very model?"
        )
    return torch.cat(parts)


def _fuse(found: dict[str, tuple[str, ...]], parts: tuple[str, str, str], whole: str) -> None:
    """Join the layers of `parts` in their order; an incomplete group stays as it is."""
    for first in [key for key in found if f".{parts[0]}." in key]:
        keys = [first.replace(f".{parts[0]}.", f".{part}.") for part in parts]
        if all(key in found for key in keys):
            fused = first.replace(f".{parts[0]}.", f".{whole}.")
            found[fused] = sum((found.pop(key) for key in keys), ())
