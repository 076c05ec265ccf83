"""Count guest instructions of LiteRT and ONNX Runtime on aarch64 in user-mode QEMU.

    python benchmarks/arm_peers.py FOLDER [--models ...] [--precisions ...] [--cpu cortex-a76]

Run `make arm arm-peers` first. The modules, weights and calibration images are those of `arm.py`.
Each peer converts and quantizes with its own tools (`peers/`), and runs one thread of its aarch64
Python package. Converted models are kept in FOLDER. A count is included only if the answers agree
with PyTorch and no multiply-add is missing. "hvit-edge" is our runner with the description of a
Cortex-A76 that the peers see. Each row is written to results/arm.json when it is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import torch
from arm import MODELS, PEER_PRECISIONS, compile_ours, record, write_windows
from arm_tasks import Network, compile_task, network
from tables.arm import TASK_SIZES
from torch.utils.flop_counter import FlopCounterMode

from hvit_edge.compiler.subject import GOLDEN_PHOTO, Subject, prepare_subject
from hvit_edge.devices.qemu import model_of
from hvit_edge.measures.difference import compare, worst
from hvit_edge.preprocess import load_image
from hvit_edge.quantize import calibration_inputs
from hvit_edge.weights import bundled_photos

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "arm-peers"
PLUGIN = ROOT / "build" / "arm" / "host" / "count_instructions.so"
RUNNER = ROOT / "build" / "arm" / "device" / "hvit_edge_runner"
SCRIPTS = Path(__file__).parent / "peers"
SUFFIXES = {"litert": ".tflite", "onnxruntime": ".onnx"}
PACKAGES = {"litert": "ai-edge-litert", "onnxruntime": "onnxruntime"}
CONVERTERS = {"litert": "convert_litert.py", "onnxruntime": "convert_onnx.py"}
FP32_TOLERANCE = 1e-3  # relative to the largest output
LEAST_WORK = 0.99  # of the multiply-adds of the module


def main() -> None:
    """Measure the requested programs row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=(*MODELS, *TASK_SIZES))
    parser.add_argument("--precisions", nargs="+", default=PEER_PRECISIONS)
    parser.add_argument("--cpu", default="cortex-a76")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.models:
        for precision in args.precisions:
            measure = measure_ours if precision.startswith("hvit-edge") else measure_peer
            record({"model": name, "precision": precision, "device": f"qemu:{args.cpu}"},
                   measure(name, *precision.split(), args.folder, args.cpu))  # fmt: skip


def measure_ours(
    name: str, runtime: str, precision: str, folder: Path, cpu: str
) -> dict[str, object]:
    """Return only the instructions: `arm.py` measures the parity of the same artifact."""
    artifact = folder / f"{name} {precision}.pte"
    if not artifact.exists():
        (compile_task if name in TASK_SIZES else compile_ours)(name, precision, artifact)
    counted = count_in_qemu([RUNNER, "count", artifact], {}, cpu)
    return {"bytes": artifact.stat().st_size, "instructions": counted}


def measure_peer(name: str, peer: str, precision: str, folder: Path, cpu: str) -> dict[str, object]:
    """Return the instructions of one inference, or the reason why they do not count."""
    subject = export(name, folder)
    convert(name, peer, precision, folder)
    made = json.loads((folder / f"{name} {peer} {precision}.json").read_text())
    if "error" in made:
        return made
    model = folder / f"{name} {peer} {precision}{SUFFIXES[peer]}"
    images = photos(subject)
    try:
        outputs, counted = run_in_qemu(model, images, cpu)
    except subprocess.CalledProcessError as error:
        return {**made, "error": why_it_ended(error.stderr) or str(error)[:200]}
    found = {
        **made,
        "package": pinned(peer),
        "bytes": model.stat().st_size,
        "agreement": agreement(subject, images, outputs),
        "work": made["multiply_adds"] / multiply_adds(subject),
    }
    fault = why_not(found, precision)
    return {**found, "error": fault} if fault else {**found, "instructions": counted}


@cache
def export(name: str, folder: Path) -> Subject | Network:
    """Write the files that the converters read: the program, and images for calibration."""
    if name in TASK_SIZES:
        subject = network(name)
    else:
        weights = "cifar10" if name == "mobilevit_xxs" else "random"
        subject = prepare_subject(name, weights=weights)
    program, images = folder / f"{name}.pt2", folder / f"{name} calibration.npz"
    if not program.exists():
        example = (torch.from_numpy(subject.example),)
        torch.export.save(torch.export.export(subject.module, example), program)
    if not images.exists():
        with tempfile.TemporaryDirectory() as windows:
            write_windows(Path(windows))
            np.savez(images, *calibration_inputs(windows, subject.origin.preprocess).inputs)
    return subject


def convert(name: str, peer: str, precision: str, folder: Path) -> None:
    """Convert in the peers' environment; if that fails, the reason is written next to the model."""
    command = [
        *(BUILT / "venv/bin/python", SCRIPTS / CONVERTERS[peer], folder / f"{name}.pt2"),
        *(folder / f"{name} calibration.npz", folder / f"{name} {peer}", precision),
    ]
    with (folder / f"{name} {peer} {precision}.log").open("w") as log:
        subprocess.run(command, stdout=log, stderr=log, check=True)


def pinned(peer: str) -> str:
    """Return the peer's package for aarch64, such as "onnxruntime 1.31.1"."""
    lines = (SCRIPTS / "guest-requirements.txt").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{PACKAGES[peer]}==")]
    return line.replace("==", " ")


def agreement(
    subject: Subject | Network, images: list[np.ndarray], outputs: np.ndarray
) -> dict[str, object]:
    """Compare outputs [images, numbers] with the module's own in PyTorch.

    Of several outputs the largest comes first, as in `guest.py`.
    """
    with torch.inference_mode():
        expected = [in_one_row(subject.module(torch.from_numpy(image))) for image in images]
    pairs = [compare(e, o[None]) for e, o in zip(expected, outputs, strict=True)]
    furthest = worst(pairs)
    return {
        "photos": len(images),
        "max_rel": furthest.max_rel,
        "cosine": furthest.cosine,
        "top1_agree": sum(pair.top1_agree for pair in pairs) / len(pairs),
    }


def in_one_row(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> np.ndarray:
    """Return all numbers of the outputs of a module, [1, numbers], the largest output first."""
    both = outputs if isinstance(outputs, tuple) else (outputs,)
    rows = [output.numpy().reshape(1, -1) for output in both]
    return np.concatenate(sorted(rows, key=np.size, reverse=True), axis=1)


def why_not(found: dict, precision: str) -> str | None:
    """Return why a count means nothing, or None if it counts.

    Args:
        found: "work", the share of the module's multiply-adds that is left, and "agreement".
        precision: without the peer.
    """
    max_rel = found["agreement"]["max_rel"]
    if found["work"] < LEAST_WORK:
        return f"expected all multiply-adds, got {found['work']:.1%} of them"
    if not np.isfinite(max_rel):
        return "expected finite outputs, got NaN or infinity"
    if precision == "fp32" and max_rel > FP32_TOLERANCE:
        return f"expected outputs within {FP32_TOLERANCE} of PyTorch's, got {max_rel:.1e}"
    return None


def why_it_ended(stderr: str) -> str:
    """Return the exception of the last traceback in Python's output, or otherwise its last line."""
    raised = re.findall(r"^Traceback.*\n(?: .*\n)*(.+)", stderr, flags=re.MULTILINE)
    return (raised or stderr.strip().splitlines() or [""])[-1][:200]


def photos(subject: Subject | Network) -> list[np.ndarray]:
    """Return a photo to warm up and the golden photo, which is counted; both preprocessed."""
    other = next(photo for photo in bundled_photos() if photo.name != GOLDEN_PHOTO)
    return [subject.origin.preprocess(load_image(other)), subject.example]


def multiply_adds(subject: Subject | Network) -> int:
    """Return the multiply-adds of one inference in PyTorch, with attention as matrix products."""
    example = (torch.from_numpy(subject.example),)
    program = torch.export.export(subject.module, example).run_decompositions()
    with FlopCounterMode(display=False) as counter:
        program.module()(*example)
    return counter.get_total_flops() // 2


def run_in_qemu(
    model: Path, images: list[np.ndarray], cpu: str
) -> tuple[np.ndarray, dict[str, object]]:
    """Return outputs [images, classes] of a peer, and the instructions of the last inference."""
    guest = {
        "PYTHONHOME": str(BUILT / "root/usr"),
        "PYTHONPATH": str(BUILT / "site"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder, "inputs.npz"), Path(folder, "outputs.npy")
        np.savez(inputs, *images)
        python = BUILT / "hvit_edge_guest_python"
        counted = count_in_qemu([python, SCRIPTS / "guest.py", model, inputs, outputs], guest, cpu)
        return np.load(outputs), counted


def count_in_qemu(
    command: list[object], environment: dict[str, str], cpu: str
) -> dict[str, object]:
    """Count the instructions between the two marks, with the files of the peers' guest."""
    with tempfile.TemporaryDirectory() as folder:
        count = Path(folder, "count.json")
        qemu = ["qemu-aarch64", "-L", BUILT / "root", "-cpu", model_of(cpu)]
        subprocess.run(
            [*qemu, "-plugin", f"{PLUGIN},out={count}", *command],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        counted = json.loads(count.read_text())
        return {"total": counted["instructions"], "groups": counted["groups"]}


if __name__ == "__main__":
    main()
