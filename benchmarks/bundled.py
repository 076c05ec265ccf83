"""Measure the accuracy of the bundled classifier in the C++ runtime, against eager PyTorch.

    python benchmarks/bundled.py CIFAR10_TEST.npz

The file has `images` uint8 [N, 32, 32, 3] and `labels`; CIFAR-10 is not part of this repository.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch
from measure.machine import describe_machine

import hvit_edge
from hvit_edge.devices import LOCAL
from hvit_edge.evaluate.accuracy import evaluate
from hvit_edge.progress import bar

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure the accuracy and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="CIFAR10_TEST.npz")
    parser.add_argument("--output", type=Path, default=RESULTS / "bundled.json")
    args = parser.parse_args()
    found = accuracy(args.data)
    result = {"model": "mobilevit_xxs", "weights": "cifar10", **found}
    args.output.parent.mkdir(exist_ok=True)
    args.output.write_text(
        json.dumps({"machine": describe_machine(), "results": [result]}, indent=2) + "\n"
    )


def accuracy(data: Path, device: str = LOCAL, **options: object) -> dict[str, object]:
    """Compile the classifier with `options`, and classify every image of `data` on `device`."""
    model = hvit_edge.create_model("mobilevit_xxs", weights="cifar10")

    def eager(image):
        with torch.inference_mode():
            return model(torch.from_numpy(model.hvit_edge.preprocess(image))).numpy()

    with tempfile.TemporaryDirectory() as folder:
        path = hvit_edge.compile(model, output=Path(folder) / "bundled.pte", **options).path
        report = evaluate(path, data, eager=eager, device=device, progress=bar("eval"))
    return {
        "data": data.name,
        "images": report.images,
        "top1": report.top1,
        "eager_top1": report.eager_top1,
        "agreement": report.agreement,
    }


if __name__ == "__main__":
    main()
