"""Prepares the files that contestants load: compiled by us, or converted by a peer's own tools.

Each file is named "FOLDER/MODEL RUNTIME PRECISION" with a suffix. A JSON file next to it says how
it was made and how many multiply-adds it has, or why it could not be made. Existing files are
reused. Our own files are made again if their sources have changed or if they failed.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from arm import compile_stock, write_windows
from arm_peers import export, multiply_adds
from arm_tasks import compile_stock as compile_stock_task
from arm_tasks import compile_task
from tables.arm import TASK_SIZES
from torch.utils.flop_counter import FlopCounterMode

from hvit_edge.compiler.compile_model import compile as compile_model
from hvit_edge.lowering import export_graph, rewrite
from peers.contestants import ENVIRONMENTS, ROOT, Contestant

SCRIPTS = Path(__file__).parent
CONVERTERS = {
    "litert": "convert_litert.py",
    "onnxruntime": "convert_onnx.py",
    "openvino": "convert_openvino.py",
    "ncnn": "convert_ncnn.py",
}
CONVERSION_SECONDS = 3600


def prepare(contestant: Contestant, name: str, folder: Path) -> dict[str, object]:
    """Return a description of the file: `made["model"]` is its path, or `made["error"]` why not."""
    model = folder / f"{name} {contestant.file}"
    report = model.with_name(model.name.removesuffix(contestant.suffix) + ".json")
    if not ENVIRONMENTS[contestant.environment].exists():
        return {"error": "expected its environment, got none; make bench-peers"}
    made = json.loads(report.read_text()) if report.exists() else None
    sources = sources_digest(contestant.is_ours) if contestant.runtime in MAKERS else None
    if made is None or made.get("sources") != sources or (sources and "error" in made):
        make = MAKERS.get(contestant.runtime, _convert)
        try:
            found = make(contestant, name, model)
        except Exception as error:  # a compiler raises whatever its libraries do
            found = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        if found is not None:
            report.write_text(json.dumps({**found, **({"sources": sources} if sources else {})}))
        made = json.loads(report.read_text())
    if "error" in made:
        return {**made, "error": portable(made["error"], folder)}
    return {**made, "model": model}


@cache
def sources_digest(compiles: bool) -> str:
    """Return a digest of the Python code that compiles a model, or only of its definition."""
    digest = hashlib.sha256()
    folder = ROOT / "python" / "hvit_edge" / ("" if compiles else "models")
    for file in sorted(folder.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def portable(reason: str, folder: Path) -> str:
    """Return a reason without the paths of this machine."""
    for base in (folder.resolve(), folder, ROOT):
        reason = reason.replace(f"{base}/", "")
    return reason


@cache
def work_of(name: str, folder: Path) -> int:
    """Return the multiply-adds of the module."""
    return multiply_adds(export(name, folder))


def file_bytes(model: Path) -> int:
    """Return the bytes of a model, with the weights that OpenVINO and ncnn store next to it."""
    weights = model.with_suffix(".bin")
    files = [model, weights] if model.suffix in (".xml", ".param") else [model]
    return sum(file.stat().st_size for file in files)


def _compile_ours(contestant: Contestant, name: str, output: Path) -> dict[str, object]:
    described = {
        "method": "hvit_edge.compile",
        "multiply_adds": _rewritten_work(name, output.parent),
    }
    if name in TASK_SIZES:
        compile_task(name, contestant.precision, output, cpu=None)
        return described
    build = dict(contestant.build)
    with tempfile.TemporaryDirectory() as windows:
        if build["precision"] == "int8":
            write_windows(Path(windows))
            build["calib_data"] = windows
        if build["precision"] == "auto":
            build["plan"] = output.with_suffix(".plan.json")
        compile_model(name, weights=_weights(name), output=output, force=True, **build)
    return described


@cache
def _rewritten_work(name: str, folder: Path) -> int:
    """Return the multiply-adds of the graph that is lowered, including the sums of norms."""
    subject = export(name, folder)
    example = (torch.from_numpy(subject.example),)
    graph = export_graph(subject.module, example)
    rewrite(graph)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        graph(*example)
    return counter.get_total_flops() // 2


def _lower_stock(contestant: Contestant, name: str, output: Path) -> dict[str, object]:
    lower = compile_stock_task if name in TASK_SIZES else compile_stock
    lower(name, f"stock {contestant.precision}", output)
    # The module's own count, because nothing is rewritten.
    return {
        "method": "to_edge_transform_and_lower, XnnpackPartitioner",
        "multiply_adds": work_of(name, output.parent),
    }


def _save_weights(contestant: Contestant, name: str, output: Path) -> dict[str, object]:
    subject = export(name, output.parent)
    torch.save(subject.module.state_dict(), output)
    return {"method": "torch.save", "multiply_adds": work_of(name, output.parent)}


def _convert(contestant: Contestant, name: str, output: Path) -> dict[str, object] | None:
    """Convert in the peer's environment; its script writes the JSON, unless it crashes."""
    folder, runtime = output.parent, contestant.runtime
    export(name, folder)
    precision = contestant.source or contestant.precision
    command = [
        *(ENVIRONMENTS[contestant.environment], SCRIPTS / CONVERTERS[runtime]),
        *(folder / f"{name}.pt2", folder / f"{name} calibration.npz"),
        *(folder / f"{name} {runtime}", precision),
    ]
    with (folder / f"{name} {runtime} {precision}.log").open("w+") as log:
        done = subprocess.run(command, stdout=log, stderr=log, timeout=CONVERSION_SECONDS)
        if done.returncode == 0:
            return None
        log.seek(0)
        said = log.read().strip().splitlines() or ["no message"]
    return {"error": f"the converter ended with status {done.returncode} ({said[-1][:150]})"}


def _weights(name: str) -> str:
    return "cifar10" if name == "mobilevit_xxs" else "random"


MAKERS = {
    "hvit-edge": _compile_ours,
    "executorch": _lower_stock,
    "eager": _save_weights,
    "torch.compile": _save_weights,
}
