"""Load weights into a module that is not in our registry: its own checkpoint, or random ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.weights.checkpoint import RANDOM, open_checkpoint
from hvit_edge.weights.evidence import Find
from hvit_edge.weights.keymap import IGNORED
from hvit_edge.weights.load import fill, find_weights, head_classes, notes_on
from hvit_edge.weights.random_weights import SILU_GAIN, random_array

RUNNING = ("running_mean", "running_var")


@dataclass(frozen=True)
class Loaded:
    """Holds a module with its weights, and information about them.

    Attributes:
        module: the module with the weights.
        source: where they are from, as an artifact records it.
        key: key of the set of weights, if it was chosen from several.
        notes: sentences on what was chosen, inferred or ignored.
        find: finds the files next to the weights by name; None if the weights are not in a file.
    """

    module: nn.Module
    source: str
    key: str = ""
    notes: tuple[str, ...] = ()
    find: Find | None = None


def load_into(
    build: Callable[[int | None], nn.Module],
    weights: object,
    weights_key: str | None,
    classes: int | None,
    where: str,
) -> Loaded:
    """Build a module and load a checkpoint of its own keys, strictly.

    Args:
        build: makes the module with a number of classes; None is its default number.
        weights: "random", or anything that `open_checkpoint` takes.
        weights_key: the set of weights to use.
        classes: requested number of classes; None for the number of the head in the checkpoint.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: there are no such weights, or keys do not fit. The message lists all of them.
    """
    if isinstance(weights, str) and weights == RANDOM:
        if weights_key is not None:
            raise InputError(
                f"[weights] weights_key: expected none with random weights, got {weights_key!r}"
            )
        return Loaded(fill_random(build(classes)), RANDOM)
    opened = open_checkpoint(weights, where)
    source = opened.source
    module = build(classes)
    chosen = find_weights(module, opened.content, weights_key)
    notes = notes_on(chosen, source)
    if classes is None and (own := classes_of(module)) is not None:
        head = head_classes(module, chosen, own)
        if head not in (None, own):
            module = build(head)
            notes.append(
                f"[weights] classes: {head}, as many as the head in {source} has; give names with"
                " --labels FILE (labels=)"
            )
    fill(module, chosen)
    key = chosen.key if chosen.others or weights_key else ""
    return Loaded(module, source, key, tuple(notes), opened.find)


def classes_of(module: nn.Module) -> int | None:
    """Return the number of classes that a timm or transformers module states, or None."""
    config = getattr(module, "config", None)
    for owner, name in ((module, "num_classes"), (config, "num_labels")):
        count = getattr(owner, name, None)
        if isinstance(count, int) and count > 0:
            return count
    return None


def fill_random(module: nn.Module) -> nn.Module:
    """Give a module deterministic random weights, see `weights.random_weights`.

    Parameters and the statistics of norms are drawn. Other buffers (tables, masks) stay, because
    the module computed them.
    """
    gain = SILU_GAIN if any(isinstance(one, nn.SiLU) for one in module.modules()) else 1.0
    drawn = dict(module.named_parameters())
    drawn |= {k: b for k, b in module.named_buffers() if k.rpartition(".")[2] in RUNNING}
    with torch.no_grad():
        for key, tensor in drawn.items():
            if tensor.is_floating_point() and not IGNORED.search(key):
                array = random_array(key, tuple(tensor.shape), gain)
                tensor.copy_(torch.from_numpy(array))
    return module
