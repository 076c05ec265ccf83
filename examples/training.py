"""Train a model in steps that can be interrupted and continued with the same result."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from hvit_edge.errors import InputError

WARM_UP = 0.25  # share of all steps


class Recipe(Protocol):
    """Holds the settings of the optimizer, in a dataclass with everything else that counts."""

    lr: float
    weight_decay: float
    clip: float
    ema: float


def learning_rate(step: int, total: int, peak: float) -> float:
    """Return the rate of one cycle: half a cosine up to `peak`, then down to a thousandth of it."""
    warm = max(1, round(WARM_UP * total))
    if step < warm:
        return peak * (0.04 + 0.96 * (1 - math.cos(math.pi * step / warm)) / 2)
    left = 1 - (step - warm) / max(1, total - warm)
    return peak * (0.001 + 0.999 * (1 - math.cos(math.pi * left)) / 2)


class Training:
    """Holds a model, its optimizer, its running average, and the number of steps done."""

    def __init__(self, model: nn.Module, recipe: Recipe, device: str) -> None:
        self.recipe = recipe
        self.device = device
        self.model = model.to(device, memory_format=torch.channels_last)
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        vectors = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(
            groups, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=device == "cuda"
        )
        self.average = {key: value.clone() for key, value in self.model.state_dict().items()}
        self.step = 0

    def train_on(self, x: Tensor, loss_of: Callable[[Any], Tensor], total: int) -> Tensor:
        """Do one step, and return the loss without waiting for the device.

        Args:
            x: float32 [N, 3, H, W] on the device.
            loss_of: maps what the model returns to the loss.
            total: number of steps of the whole training.
        """
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, total, self.recipe.lr)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device == "cuda"):
            output = self.model(x)
        loss = loss_of(output)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.step += 1
        if self.recipe.ema:
            self._follow()
        return loss.detach()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the running average towards the weights; faster while the training is young."""
        keep = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        for key, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.average[key].lerp_(value, 1 - keep)
            else:
                self.average[key].copy_(value)

    def result(self) -> dict[str, Tensor]:
        """Return the weights to keep, on the CPU: the running average if there is one."""
        state = self.average if self.recipe.ema else self.model.state_dict()
        weights = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
        return {key: value.detach().cpu().contiguous() for key, value in weights.items()}

    def save(self, path: Path) -> None:
        """Write all that resuming needs; the old file stays until the new one is complete."""
        state = {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
        }
        write_atomically(path, lambda target: torch.save(state, target))

    def resume(self, path: Path) -> None:
        """Continue from a file of `save`; raise InputError if it belongs to another recipe."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        ours, theirs = asdict(self.recipe), state["recipe"]
        changed = [f"{key} {theirs.get(key)}" for key in ours if ours[key] != theirs.get(key)]
        if changed:
            raise InputError(
                f"[train] expected a checkpoint of this recipe, got one with {', '.join(changed)};"
                f" repeat that recipe, or remove {path}"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.step = state["step"]


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Call `write` with a temporary path in the same folder, then move that to `path`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
