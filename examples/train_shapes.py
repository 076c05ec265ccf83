"""Train a segmentation model or a detector on composed scenes of shapes, on a CPU or a GPU.

    python examples/train_shapes.py segment --output shapes_pretrained.safetensors
    python examples/train_shapes.py detect --output ssdlite_mobilevit_xxs_shapes.safetensors \
        --backbone shapes_pretrained.safetensors --input-size 128 --batch 8 --lr 1e-3 --steps 6000

The scenes are drawn on the photos that ship with hvit-edge, and the backbone starts from the
bundled classifier or from a file of this script, so a checkout has all that the training needs. Run
the same command again to resume an interrupted training.

The script writes weights in half precision, and a json file next to them with the labels, the
preprocessing, the recipe and the accuracy on held-out scenes. The result is printed as JSON on
stdout, and progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from shape_scenes import HELD_OUT, SHAPES, TRAINING, Scene, compose
from shape_scenes.losses import box_loss, mask_loss, match
from shape_scenes.scores import SCORES, eager_answer
from torch import Tensor, nn
from tqdm import tqdm
from training import Training, write_atomically
from training_options import add_training_options, parse_training, print_result

from hvit_edge import create_model
from hvit_edge.errors import InputError
from hvit_edge.models import build_model
from hvit_edge.models.ssd import anchor_boxes
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.evidence import SIDECAR

BACKGROUND = "background"
BACKBONE = ("stem.", "stages.")
CLASSIFIER = "cifar10"
EVERY = 100  # steps between two checkpoints


@dataclass(frozen=True)
class Recipe:
    """Holds everything that determines the trained weights, except the device."""

    task: str
    backbone: str
    input_size: int
    steps: int
    batch: int
    lr: float
    weight_decay: float
    clip: float
    ema: float
    seed: int


def mask_targets(scenes: list[Scene], recipe: Recipe) -> Callable[[Any], Tensor]:
    """Return the loss of a segmentation model on these scenes."""
    classes = torch.from_numpy(np.stack([scene.classes for scene in scenes]).astype(np.int64))
    return lambda logits: mask_loss(logits, classes.to(logits.device))


def box_targets(scenes: list[Scene], recipe: Recipe) -> Callable[[Any], Tensor]:
    """Return the loss of a detector on these scenes."""
    side = recipe.input_size
    anchors = anchor_boxes((side, side))
    matched = [match(scene.boxes / side, scene.labels, anchors) for scene in scenes]
    targets, wanted = (torch.from_numpy(np.stack(part)) for part in zip(*matched, strict=True))

    def loss_of(output: Any) -> Tensor:
        logits, offsets = output
        return box_loss(logits, offsets, targets.to(logits.device), wanted.to(logits.device))

    return loss_of


@dataclass(frozen=True)
class Task:
    """Holds the model of a task, the names of its classes, and how to compute its loss."""

    architecture: str
    labels: tuple[str, ...]
    targets: Callable[[list[Scene], Recipe], Callable[[Any], Tensor]]


TASKS = {
    "segment": Task("deeplabv3_mobilevit_xxs_slim", (BACKGROUND, *SHAPES), mask_targets),
    "detect": Task("ssdlite_mobilevit_xxs", SHAPES, box_targets),
}


def build(recipe: Recipe) -> nn.Module:
    """Return the model of a task before training, with a trained backbone."""
    torch.manual_seed(recipe.seed)
    model = build_model(TASKS[recipe.task].architecture, num_classes=1 + len(SHAPES))
    state = read_backbone(recipe.backbone)
    expected = {key for key in model.state_dict() if key.startswith(BACKBONE)}
    missing = {key for key in expected if not key.endswith("num_batches_tracked")} - state.keys()
    if missing:
        raise InputError(
            f"[train] expected the weights of a backbone, got {recipe.backbone} without"
            f" {min(missing)}; pass a file that this script wrote"
        )
    model.load_state_dict(state, strict=False)
    return model


def read_backbone(source: str) -> dict[str, Tensor]:
    """Return the weights of the backbone in a file, or in the bundled classifier `CLASSIFIER`."""
    if source == CLASSIFIER:
        state = create_model("mobilevit_xxs", weights=source).state_dict()
    else:
        try:
            state = load_file(source)
        except (OSError, SafetensorError) as error:
            raise InputError(
                f"[train] expected a backbone, {CLASSIFIER} or a .safetensors file, got {source}"
                f" ({error})"
            ) from error
    return {key: value for key, value in state.items() if key.startswith(BACKBONE)}


def make_preprocess(recipe: Recipe) -> Preprocess:
    """Return the preprocessing of the trained model: the whole photo, stretched to the input."""
    side = recipe.input_size
    return Preprocess((side, side), resize="stretch", interpolation="bilinear")


def batches(recipe: Recipe, first: int, last: int) -> Iterator[tuple[Tensor, Any]]:
    """Yield float32 [B, 3, side, side] and the loss of the steps `first` to `last` - 1."""
    task, preprocess = TASKS[recipe.task], make_preprocess(recipe)
    for step in range(first, last):
        start = recipe.batch * (step + recipe.steps * recipe.seed)
        scenes = [
            compose(TRAINING, start + index, recipe.input_size) for index in range(recipe.batch)
        ]
        x = np.concatenate([preprocess(scene.image) for scene in scenes])
        yield torch.from_numpy(x), task.targets(scenes, recipe)


def measure(recipe: Recipe, weights: dict[str, Tensor], count: int) -> dict[str, float]:
    """Return measures in percent of weights in float32, on the first held-out scenes."""
    model = build(recipe)
    model.load_state_dict({key: value.float() for key, value in weights.items()}, strict=False)
    scenes = [compose(HELD_OUT, index, recipe.input_size) for index in range(count)]
    answer = eager_answer(recipe.task, model.eval(), make_preprocess(recipe))
    found = SCORES[recipe.task](scenes, answer)
    return {f"{name} of {count} scenes": round(100 * value, 2) for name, value in found.items()}


def write_result(args: argparse.Namespace, recipe: Recipe, training: Training) -> dict[str, float]:
    """Measure the weights, write them in half precision, and the json file."""
    weights = {key: value.half() for key, value in training.result().items()}
    task, output = TASKS[recipe.task], args.output
    accuracy = measure(recipe, weights, args.scenes) if args.scenes else {}
    described = {
        "format": SIDECAR,
        "architecture": task.architecture,
        "labels": task.labels,
        "preprocess": asdict(make_preprocess(recipe)),
        "accuracy": accuracy,
        "recipe": asdict(recipe) | {"done": training.step},
    }
    text = json.dumps(described, indent=2) + "\n"
    write_atomically(output, lambda target: save_file(weights, target))
    write_atomically(output.with_suffix(".json"), lambda target: target.write_text(text))
    return accuracy


def train(args: argparse.Namespace) -> dict[str, Any]:
    """Train, or continue training, up to the end or to --max-steps."""
    recipe = Recipe(**{name: getattr(args, name) for name in Recipe.__dataclass_fields__})
    checkpoint = args.output.with_suffix(".checkpoint.pt")
    if args.output.exists() and not checkpoint.exists() and not args.force:
        raise InputError(f"[train] expected a new output, got {args.output}; pass --force")
    training = Training(build(recipe), recipe, args.device)
    if checkpoint.exists():
        training.resume(checkpoint)
    last = min(recipe.steps, args.max_steps or recipe.steps)
    started, first, average = time.perf_counter(), training.step, None
    bar = tqdm(batches(recipe, first, last), "training", last, initial=first, disable=None)
    for x, loss_of in bar:
        torch.manual_seed(recipe.seed + training.step)  # for dropout, the same after resuming
        loss = training.train_on(x.to(args.device), loss_of, recipe.steps).item()
        average = loss if average is None else 0.98 * average + 0.02 * loss
        if training.step % EVERY == 0:
            bar.set_postfix(loss=f"{average:.3f}")
            training.save(checkpoint)
    training.save(checkpoint)
    accuracy = write_result(args, recipe, training)
    return {
        "output": str(args.output),
        "step": training.step,
        "finished": training.step == recipe.steps,
        "loss": average,
        "accuracy": accuracy,
        "seconds": round(time.perf_counter() - started, 1),
    }


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("task", choices=TASKS)
    parser.add_argument(
        "--backbone", default=CLASSIFIER, help=f"{CLASSIFIER}, or a file of this script"
    )
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--scenes", type=int, default=200, help="held-out scenes to measure (200)")
    add_training_options(parser, input_size=160, batch=16, lr=1.5e-3, ema=0.99)
    return parse_training(parser, argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return print_result(lambda: train(parse(argv)))


if __name__ == "__main__":
    sys.exit(main())
