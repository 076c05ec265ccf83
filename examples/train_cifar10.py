"""Train any registered model on CIFAR-10 from scratch, on a CPU or a GPU.

    python examples/train_cifar10.py mobilevit_xxs --train train.npz --test test.npz \
        --input-size 64 --epochs 40 --output mobilevit_xxs_cifar10.safetensors

A data file is an .npz with `labels` uint8 [N] and either `images` uint8 [N, 32, 32, 3], or JPEG
files in one array of bytes: `bytes` uint8 and `offsets` [N + 1]. All data is stored on the device,
where batches are also augmented. Run the same command again to resume an interrupted training.

The script writes weights in hvit-edge's own key format. A json file next to them, which
`create_model` reads, has the labels, preprocessing, accuracy and recipe. The result is printed as
JSON on stdout, and progress goes to stderr.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import small_models  # noqa: F401  (registers conformer_cifar)
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm
from training import Training, write_atomically
from training_options import add_training_options, parse_training, print_result

from hvit_edge.errors import InputError
from hvit_edge.models import build_model, model_info
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.evidence import SIDECAR

LABELS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
SIDE = 32
SHIFT = 4  # pixels that a crop moves at most
CUT = 8  # side of the square that cut-out blanks
PLAIN_EPOCHS = 2  # the last ones, without cut-out


@dataclass(frozen=True)
class Recipe:
    """Holds everything that determines the trained weights, except the data and the device."""

    model: str
    input_size: int
    epochs: int
    batch: int
    lr: float
    weight_decay: float
    label_smoothing: float
    clip: float
    ema: float
    seed: int


@dataclass(frozen=True)
class Data:
    """Holds images uint8 [N, 3, 32, 32] and labels int64 [N]."""

    images: Tensor
    labels: Tensor


def read_data(path: Path) -> Data:
    """Read a data file; raise InputError if it is not one."""
    try:
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files}
    except (OSError, ValueError) as error:
        raise InputError(f"[train] expected an .npz data file, got {path} ({error})") from error
    if "labels" not in arrays or not ("images" in arrays or {"bytes", "offsets"} <= set(arrays)):
        raise InputError(
            "[train] expected labels and images, or labels, bytes and offsets,"
            f" got {', '.join(arrays)} in {path}"
        )
    images = arrays["images"] if "images" in arrays else decode(arrays["bytes"], arrays["offsets"])
    labels = arrays["labels"]
    if images.dtype != np.uint8 or images.shape != (len(labels), SIDE, SIDE, 3):
        raise InputError(
            f"[train] expected images uint8 [{len(labels)}, {SIDE}, {SIDE}, 3],"
            f" got {images.dtype} {list(images.shape)} in {path}"
        )
    if labels.size == 0 or labels.max() >= len(LABELS):
        raise InputError(f"[train] expected labels below {len(LABELS)}, got others in {path}")
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return Data(torch.from_numpy(planes), torch.from_numpy(labels.astype(np.int64)))


def decode(content: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Decode JPEG files in one array of bytes to uint8 [N, 32, 32, 3]."""
    spans = zip(offsets[:-1], offsets[1:], strict=True)
    files = (io.BytesIO(content[start:end].tobytes()) for start, end in spans)
    total = len(offsets) - 1
    bar = tqdm(files, "decoding", total, disable=None, leave=False)
    return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in bar])


def make_preprocess(recipe: Recipe) -> Preprocess:
    """Return the preprocessing of the trained model: the published normalization of its name."""
    published = model_info(recipe.model).default.preprocess
    return Preprocess(
        (recipe.input_size, recipe.input_size),
        resize_size=recipe.input_size,
        interpolation="bilinear",
        mean=published.mean,
        std=published.std,
    )


class Batches:
    """Yields augmented batches on the device; batch `step` depends only on the seed and `step`."""

    def __init__(self, data: Data, recipe: Recipe, preprocess: Preprocess, device: str) -> None:
        self.images = data.images.to(device)
        self.labels = data.labels.to(device)
        self.recipe = recipe
        self.device = device
        self.per_epoch = len(data.labels) // recipe.batch
        self.total = self.per_epoch * recipe.epochs
        self.mean = torch.tensor(preprocess.mean, device=device).reshape(3, 1, 1)
        self.std = torch.tensor(preprocess.std, device=device).reshape(3, 1, 1)

    def from_step(self, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches `first` to `last` - 1: float32 [B, 3, size, size] and labels [B]."""
        epoch, order = -1, None
        for step in range(first, last):
            if step // self.per_epoch != epoch:
                epoch = step // self.per_epoch
                generator = torch.Generator().manual_seed(
                    2 * (self.recipe.seed + 1) * 10**6 + epoch
                )
                order = torch.randperm(len(self.labels), generator=generator).to(self.device)
            start = step % self.per_epoch * self.recipe.batch
            chosen = order[start : start + self.recipe.batch]
            yield self._augment(self.images[chosen], step), self.labels[chosen]

    def _augment(self, images: Tensor, step: int) -> Tensor:
        """Flip, shift and cut uint8 images, then normalize and resize them."""
        seed = (2 * self.recipe.seed + 3) * 10**6 + step
        random = torch.rand(len(images), 5, generator=torch.Generator().manual_seed(seed))
        flip, down, right, top, left = random.to(self.device).T[..., None, None]
        x = images.float() / 255
        x = torch.where(flip[..., None] < 0.5, x, x.flip(3))
        x = shift(x, (down * (2 * SHIFT + 1)).long(), (right * (2 * SHIFT + 1)).long())
        if step < self.total - PLAIN_EPOCHS * self.per_epoch:
            x = cut_out(x, (top * (SIDE - CUT + 1)).long(), (left * (SIDE - CUT + 1)).long())
        size = (self.recipe.input_size, self.recipe.input_size)
        x = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
        return (x - self.mean) / self.std


def shift(x: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Crop [B, 3, 32, 32] out of the zero-padded images at offsets int64 [B, 1, 1] of 0 to 8."""
    padded = F.pad(x, (SHIFT, SHIFT, SHIFT, SHIFT))
    place = torch.arange(SIDE, device=x.device)
    image = torch.arange(len(x), device=x.device)[:, None, None]
    rows, columns = down + place[:, None], right + place
    return padded.permute(0, 2, 3, 1)[image, rows, columns].permute(0, 3, 1, 2)


def cut_out(x: Tensor, top: Tensor, left: Tensor) -> Tensor:
    """Blank a square of each image [B, 3, 32, 32], with its corner at int64 [B, 1, 1]."""
    place = torch.arange(SIDE, device=x.device)
    row, column = place[:, None] - top, place - left
    inside = (row >= 0) & (row < CUT) & (column >= 0) & (column < CUT)
    return x.masked_fill(inside[:, None], 0.0)


def make_model(recipe: Recipe) -> nn.Module:
    """Return the model before training."""
    torch.manual_seed(recipe.seed)
    size = recipe.input_size
    return build_model(recipe.model, num_classes=len(LABELS), input_size=size)


def smoothed_loss(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Return the cross-entropy of logits [N, 10] with smoothed labels int64 [N]."""
    return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)


@torch.no_grad()
def evaluate(recipe: Recipe, weights: dict[str, Tensor], data: Data, device: str) -> float:
    """Return top-1 in percent of `weights` in float32, with the Preprocess that users will run."""
    model = build_model(recipe.model, num_classes=len(LABELS), input_size=recipe.input_size)
    model.load_state_dict(weights, strict=False)
    model.to(device).eval()
    preprocess = make_preprocess(recipe)
    right = 0
    for images, labels in zip(data.images.split(250), data.labels.split(250), strict=True):
        photos = images.permute(0, 2, 3, 1).numpy()
        x = torch.from_numpy(np.concatenate([preprocess(photo) for photo in photos]))
        right += int((model(x.to(device)).argmax(1).cpu() == labels).sum())
    return 100 * right / len(data.labels)


def write_result(args: argparse.Namespace, recipe: Recipe, training: Training) -> dict[str, Any]:
    """Evaluate, write weights and json, and return the result that is printed."""
    weights = training.result()
    if args.half:
        weights = {key: value.half() for key, value in weights.items()}
    rounded = {key: value.float() for key, value in weights.items()}
    accuracy = {}
    if args.test:
        accuracy[args.test.stem] = evaluate(recipe, rounded, read_data(args.test), args.device)
    preprocess = make_preprocess(recipe)
    described = {
        "format": SIDECAR,
        "architecture": recipe.model,
        "labels": LABELS,
        "preprocess": asdict(preprocess),
        "accuracy": accuracy,
        "recipe": asdict(recipe) | {"steps": training.step},
    }
    text = json.dumps(described, indent=2) + "\n"
    write_atomically(args.output, lambda target: save_file(weights, target))
    write_atomically(args.output.with_suffix(".json"), lambda target: target.write_text(text))
    return {"output": str(args.output), "step": training.step, "accuracy": accuracy}


def train(args: argparse.Namespace) -> dict[str, Any]:
    """Train, or continue training, up to the end or to --max-steps."""
    fields = {name: getattr(args, name) for name in Recipe.__dataclass_fields__}
    recipe = Recipe(**fields)
    checkpoint = args.output.with_suffix(".checkpoint.pt")
    if args.output.exists() and not checkpoint.exists() and not args.force:
        raise InputError(f"[train] expected a new output, got {args.output}; pass --force")
    training = Training(make_model(recipe), recipe, args.device)
    batches = Batches(read_data(args.train), recipe, make_preprocess(recipe), args.device)
    if batches.per_epoch == 0:
        raise InputError(
            f"[train] expected at least {recipe.batch} images, got fewer; lower --batch"
        )
    if checkpoint.exists():
        training.resume(checkpoint)
    last = min(batches.total, args.max_steps or batches.total)
    started, first = time.perf_counter(), training.step
    bar = tqdm(batches.from_step(first, last), "training", last, initial=first, disable=None)
    for x, labels in bar:
        smoothed = partial(smoothed_loss, labels=labels, smoothing=recipe.label_smoothing)
        loss = training.train_on(x, smoothed, batches.total)
        if training.step % batches.per_epoch == 0:
            bar.set_postfix(epoch=training.step // batches.per_epoch, loss=f"{loss.item():.3f}")
            training.save(checkpoint)
    training.save(checkpoint)
    seconds = time.perf_counter() - started
    result = write_result(args, recipe, training)
    return result | {"finished": training.step == batches.total, "seconds": round(seconds, 1)}


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", help="a registered model")
    parser.add_argument("--train", type=Path, required=True, help="data file to learn from")
    parser.add_argument("--test", type=Path, help="data file to measure the accuracy on")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--label-smoothing", type=float, default=0.05)
    parser.add_argument("--half", action="store_true", help="write half precision")
    add_training_options(parser, input_size=64, batch=128, lr=3e-3, ema=0.0)
    return parse_training(parser, argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return print_result(lambda: train(parse(argv)))


if __name__ == "__main__":
    sys.exit(main())
