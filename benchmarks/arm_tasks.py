"""Count instructions of networks that segment and detect, on aarch64 in user-mode QEMU.

    python benchmarks/arm_tasks.py FOLDER [--models ...] [--precisions ...] [--cpu cortex-a76]

Run `make arm` first. The programs are compiled as artifacts of arrays, so that a count has the
network only: no preprocessing, masks or suppression of boxes. Weights are random. Precisions are
those of `arm.py`, and `arm_peers.py` measures the peers. Each row is written to results/arm.json
when it is measured.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from arm import WINDOWS, Half, count, lower_stock, record
from measure.stock_quantizer import stock_quantized
from tables.arm import NATIVE, OURS, STOCK, TASK_SIZES
from torch import nn

from hvit_edge import create_model
from hvit_edge.artifact.container import Arrays
from hvit_edge.compiler.compile_model import compile as compile_model
from hvit_edge.compiler.subject import GOLDEN_PHOTO
from hvit_edge.compiler.tensor_gate import TensorGate
from hvit_edge.compiler.tensor_subject import prepare_tensors
from hvit_edge.errors import HvitEdgeError
from hvit_edge.preprocess import load_image
from hvit_edge.quantize import bundled_calibration
from hvit_edge.tensors.samples import read_inputs
from hvit_edge.weights import ModelOrigin, bundled_photos

LOOSE = 0.5
"""Largest difference of int8 from PyTorch: random weights lose more than trained ones."""
SKIPPED = {"int8-dynamic", "native int8-dynamic"}
PRECISIONS = tuple(p for p in (*OURS, *NATIVE, *STOCK) if p not in SKIPPED)


def main() -> None:
    """Count the requested programs row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=TASK_SIZES, choices=TASK_SIZES)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS, choices=PRECISIONS)
    parser.add_argument("--cpu", default="cortex-a76")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.models:
        for precision in args.precisions:
            key = {"model": name, "precision": precision, "device": f"qemu:{args.cpu}"}
            record(key, measure(name, precision, args.folder, key["device"]))


def measure(name: str, precision: str, folder: Path, address: str) -> dict[str, object]:
    """Return the instructions of one inference, or the reason why there are none."""
    artifact = folder / f"{name} {precision}.pte"
    make = compile_stock if precision in STOCK else compile_task
    try:
        if not artifact.exists():
            make(name, precision, artifact)
        counted = count(artifact, address)
    except (HvitEdgeError, RuntimeError, AssertionError) as error:
        return {"error": str(error).splitlines()[0][:200]}
    return {"bytes": artifact.stat().st_size, "instructions": counted}


@dataclass(frozen=True)
class Network:
    """Holds a network with random weights.

    Attributes:
        module: the network.
        origin: its preprocessing.
        example: the preprocessed golden photo.
    """

    module: nn.Module
    origin: ModelOrigin
    example: np.ndarray


@cache
def network(name: str) -> Network:
    """Return the network of a name, at the size of `TASK_SIZES`."""
    module = create_model(name, weights="random", input_size=TASK_SIZES[name]).eval()
    origin = module.hvit_edge
    photo = next(path for path in bundled_photos() if path.name == GOLDEN_PHOTO)
    return Network(module, origin, origin.preprocess(load_image(photo)))


def compile_task(name: str, precision: str, artifact: Path, *, cpu: str | None = "arm") -> None:
    """Compile a network as `arm.compile_ours` does, with arrays as inputs and outputs."""
    made = network(name)
    target = "native" if precision in NATIVE else "xnnpack"
    precision = precision.removeprefix("native ")
    if target == "native" and "int8" not in precision:
        cpu = None
    make = partial(
        compile_model,
        made.module,
        inputs=(made.example,),
        target=target,
        precision=precision,
        cpu=cpu,
        output=artifact,
        force=True,
    )
    if "int8" not in precision:
        make()
        return
    data = artifact.with_suffix(".npz")
    np.savez(data, x=np.stack(windows(made)))
    make(calib_data=data, calib_samples=WINDOWS, rtol=LOOSE)


def compile_stock(name: str, precision: str, artifact: Path) -> None:
    """Lower a network without our rewrites, as `arm.compile_stock` does."""
    made = network(name)
    samples = read_inputs((made.example,), "compile")
    subject = prepare_tensors(made.module, samples, made.origin, registered=True, where="compile")
    gate = TensorGate(subject, "int8" if "int8" in precision else "fp32", rtol=None)
    gate.check_graph("exported", subject.function)
    module, example = made.module, (torch.from_numpy(made.example),)
    if precision == "stock fp16":
        module = Half(module)
    elif precision == "stock int8":
        inputs = [(torch.from_numpy(window),) for window in windows(made)]
        module = stock_quantized(module, example, inputs, dynamic=False)
    lower_stock(gate, module, example, artifact)


def windows(made: Network) -> Arrays:
    """Return windows of the bundled photos, with which int8 is calibrated."""
    return tuple(bundled_calibration(made.origin.preprocess).inputs[:WINDOWS])


if __name__ == "__main__":
    main()
