"""Write the artifacts of lower precisions that later versions must still read.

    python cpp/tests/make_precisions.py

They are in cpp/tests/data/precisions: one network for each target in float16, int8 and
int8-dynamic, and their answers to a photo in `answers.json`. A released artifact is never written
again: a later version adds files beside it.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import hvit_edge
from hvit_edge import Preprocess
from hvit_edge.weights import bundled_photos

FOLDER = Path(__file__).parent / "data/precisions"
PRECISIONS = ("fp16", "int8", "int8-dynamic")


class Network(nn.Module):
    """Maps float32 [1, 3, 16, 16] to logits [1, 5] by convolutions, a layer norm and attention."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU())
        self.depthwise = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        tokens = self.depthwise(self.stem(image)).flatten(2).transpose(1, 2)
        normed = self.norm(tokens)
        mixed = tokens + self.attention(normed, normed, normed, need_weights=False)[0]
        return self.head(mixed.mean(1))


def photos(folder: Path) -> Path:
    """Write 32 windows of the bundled photos, to calibrate on."""
    for number in range(32):
        photo = Image.open(bundled_photos()[number % len(bundled_photos())]).convert("RGB")
        left, top = 7 * number % (photo.width - 96), 5 * number % (photo.height - 96)
        photo.crop((left, top, left + 96, top + 96)).save(folder / f"{number:02}.png")
    return folder


def main() -> None:
    torch.manual_seed(0)
    network = Network().eval()
    FOLDER.mkdir(exist_ok=True)
    answers = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = photos(Path(scratch))
        for target in ("xnnpack", "native"):
            for precision in PRECISIONS:
                path = FOLDER / f"{target}_{precision}_{hvit_edge.__version__}.pte"
                if path.exists():
                    sys.exit(f"[make_precisions] expected no {path.name}, got one; keep it")
                hvit_edge.compile(
                    network,
                    target=target,
                    precision=precision,
                    calib_data=folder if precision == "int8" else None,
                    preprocess=Preprocess((16, 16), resize_size=18),
                    labels=list("abcde"),
                    output=path,
                    cache=False,
                )
                logits = hvit_edge.Classifier(path).logits(bundled_photos()[0])
                answers[path.name] = np.asarray(logits, np.float64).reshape(-1).tolist()
    known = FOLDER / "answers.json"
    before = json.loads(known.read_text()) if known.exists() else {}
    known.write_text(json.dumps(before | answers, indent=2) + "\n")


if __name__ == "__main__":
    main()
