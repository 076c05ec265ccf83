"""Measure artifacts on aarch64 in user-mode QEMU: parity, guest instructions and memory.

    python benchmarks/arm.py FOLDER [--models ...] [--precisions ...] [--cpu cortex-a76]

Run `make arm` first. Artifacts are kept in FOLDER, and existing ones are reused. Programs are
compiled with `--cpu arm`, "native fp32" and so on with `--target native`, and "any fp32" and so on
with `--cpu any`. "int8" is calibrated on windows of the bundled photos. The weights are random, but
mobilevit_xxs has those of CIFAR-10. "stock fp32", "stock fp16" and "stock int8" are ExecuTorch's
own lowering of the same module, of `module.half()`, and of the result of its XNNPACKQuantizer with
fixed ranges. For "any" and "stock", only instructions are counted. Each row is written to
results/arm.json when it is measured.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
from copy import deepcopy
from functools import partial
from pathlib import Path

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from measure.rows import put_row
from measure.stock_quantizer import stock_quantized
from PIL import Image
from tables.arm import ANY, NATIVE, OURS, STOCK, TASK_SIZES
from torch import nn

from hvit_edge.artifact.container import constant_methods, seal
from hvit_edge.compiler.compile_model import compile as compile_model
from hvit_edge.compiler.description import describe_artifact
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.photo_gate import PhotoGate
from hvit_edge.compiler.subject import prepare_subject
from hvit_edge.devices.bundle import find_bundle
from hvit_edge.errors import HvitEdgeError
from hvit_edge.parity import validate
from hvit_edge.precision import INT8
from hvit_edge.preprocess import load_image
from hvit_edge.profile.instructions import instructions_of
from hvit_edge.quantize import bundled_calibration
from hvit_edge.weights import bundled_photos

RESULTS = Path(__file__).parent / "results" / "arm.json"
MODELS = ("mobilevit_xxs", "mobilevit_xs", "mobilevit_s", "conformer_ti", "shunted_t", "swin_t")
PRECISIONS = (*OURS, *NATIVE, *ANY, *STOCK)
PEER_PRECISIONS = (
    *("hvit-edge fp32", "hvit-edge fp16", "hvit-edge int8"),
    *("litert fp32", "litert fp16", "litert int8", "litert int8-dynamic"),
    *("onnxruntime fp32", "onnxruntime fp16", "onnxruntime int8", "onnxruntime int8-dynamic"),
)
"""arm_peers.py measures these."""
WINDOWS = 40


def main() -> None:
    """Measure the requested programs row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--cpu", default="cortex-a76")
    args = parser.parse_args()
    address = f"qemu:{args.cpu}"
    for name in args.models:
        for precision in args.precisions:
            measure = MEASURES.get(precision.partition(" ")[0], measure_ours)
            record({"model": name, "precision": precision, "device": address},
                   measure(name, precision, args.folder, address))  # fmt: skip


def record(key: dict[str, str], found: dict[str, object]) -> None:
    """Put one row into the results file; it replaces an older row with the same key."""
    runner, libraries = runner_sizes()
    put_row(RESULTS, key, found, _place, runner_bytes=runner, library_bytes=libraries)


def _place(row: dict[str, object]) -> tuple[int, int, str]:
    order = (*PRECISIONS, *PEER_PRECISIONS)
    return (*MODELS, *TASK_SIZES).index(row["model"]), order.index(row["precision"]), row["device"]


def runner_sizes() -> tuple[int, int]:
    """Return the bytes of the runner, and of the ExecuTorch libraries next to it."""
    files = [file for file, _ in find_bundle("aarch64")]
    return files[0].stat().st_size, sum(file.stat().st_size for file in files[1:])


def measure_ours(name: str, precision: str, folder: Path, address: str) -> dict[str, object]:
    """Return parity on the bundled photos, and instructions and memory of one inference."""
    artifact = folder / f"{name} {precision}.pte"
    if not artifact.exists():
        compile_ours(name, precision, artifact)
    report = validate(artifact, device=address)
    step = report.steps[-1]
    return {
        "bytes": artifact.stat().st_size,
        "passed": report.passed,
        "max_rel": step.difference.max_rel,
        "cosine": step.difference.cosine,
        "top1_agree": step.top1_agreement,
        "host_max_rel": report.device.against_host.max_rel,
        "host_top1_agree": report.device.top1_agreement,
        "features": list(report.device.facts.features),
        "peak_bytes_here": peak_bytes_here(artifact),
        "instructions": count(artifact, address),
    }


def measure_any(name: str, precision: str, folder: Path, address: str) -> dict[str, object]:
    """Return only the instructions of a program that was not compiled for Arm."""
    artifact = folder / f"{name} {precision}.pte"
    if not artifact.exists():
        compile_ours(name, precision.removeprefix("any "), artifact, cpu="any")
    counted = count(artifact, address)
    return {"bytes": artifact.stat().st_size, "instructions": counted}


def count(artifact: Path, address: str) -> dict[str, object]:
    """Return all instructions, and those by library; arm_groups.py counts by operator."""
    counted = instructions_of(artifact, address)
    return {"total": counted.total, "groups": counted.groups, "classes": counted.classes}


def peak_bytes_here(artifact: Path) -> int:
    """Return the runner's peak memory on this machine; in QEMU it would include the emulator."""
    (program, _), *_ = find_bundle(platform.machine())
    command = [program, "bench", artifact, "--iterations", "1", "--warmup", "0", "--threads", "1"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["peak_bytes"]


def compile_ours(name: str, precision: str, artifact: Path, *, cpu: str | None = "arm") -> None:
    """Compile a model, with its bundled weights if it has some."""
    weights = "cifar10" if name == "mobilevit_xxs" else "random"
    target = "native" if precision in NATIVE else "xnnpack"
    precision = precision.removeprefix("native ")
    if target == "native" and precision not in INT8:
        cpu = None  # such programs do not depend on the CPU
    options = {"target": target, "precision": precision, "cpu": cpu}
    make = partial(compile_model, name, weights=weights, output=artifact, **options)
    if precision != "int8":
        make()
        return
    with tempfile.TemporaryDirectory() as windows:
        write_windows(Path(windows))
        make(calib_data=windows)


def write_windows(folder: Path) -> None:
    """Write a few more windows of the bundled photos than calibration needs at least."""
    photos = [Image.fromarray(load_image(photo)) for photo in bundled_photos()]
    for index in range(WINDOWS):
        photo = photos[index % len(photos)]
        left, top = (index * 37) % (photo.width // 3), (index * 53) % (photo.height // 3)
        box = (left, top, left + photo.width * 2 // 3, top + photo.height * 2 // 3)
        photo.crop(box).save(folder / f"{index:03}.png")


def measure_stock(name: str, precision: str, folder: Path, address: str) -> dict[str, object]:
    """Return the instructions of ExecuTorch's own lowering, or the reason why there are none."""
    artifact = folder / f"{name} {precision}.pte"
    try:
        if not artifact.exists():
            compile_stock(name, precision, artifact)
        counted = count(artifact, address)
    except (HvitEdgeError, RuntimeError, AssertionError) as error:
        return {"error": str(error).splitlines()[0][:200]}
    return {"bytes": artifact.stat().st_size, "instructions": counted}


def compile_stock(name: str, precision: str, artifact: Path) -> None:
    """Lower the module without our rewrites into an artifact that our runner reads."""
    weights = "cifar10" if name == "mobilevit_xxs" else "random"
    subject = prepare_subject(name, weights=weights)
    module, example = subject.module, (torch.from_numpy(subject.example),)
    gate = PhotoGate(subject, "int8" if "int8" in precision else "fp32", rtol=None)
    gate.check_graph("exported", module)  # only this step has to pass
    if precision == "stock fp16":
        module = Half(module)
    elif precision == "stock int8":
        images = bundled_calibration(subject.origin.preprocess).inputs[:WINDOWS]
        inputs = [(torch.from_numpy(array),) for array in images]
        module = stock_quantized(module, example, inputs, dynamic=False)
    lower_stock(gate, module, example, artifact)


def lower_stock(
    gate: Gate, module: nn.Module, example: tuple[torch.Tensor, ...], artifact: Path
) -> None:
    """Lower a module as stock ExecuTorch does, and write it as an artifact.

    Args:
        gate: gate of the module in float32, after its first step.
        module: the module, which may be quantized.
        example: its input.
        artifact: the file that is written.
    """
    metadata = gate.complete(describe_artifact(gate, "xnnpack"))
    edge = to_edge_transform_and_lower(
        torch.export.export(module, example),
        partitioner=[XnnpackPartitioner()],
        constant_methods=constant_methods(metadata, gate.golden),
    )
    artifact.write_bytes(seal(edge.to_executorch().buffer))


class Half(nn.Module):
    """Runs a module in float16 as users do; input [N, 3, H, W] and outputs stay float32."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = deepcopy(module).half()

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        found = self.module(x.half())
        if isinstance(found, tuple):
            return tuple(one.float() for one in found)
        return found.float()


MEASURES = {"any": measure_any, "stock": measure_stock}


if __name__ == "__main__":
    main()
