"""Measure where the time of an int8 network goes, by XNNPACK's own profile of its operators."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from executorch.devtools import Inspector
from executorch.extension.pybindings.portable_lib import _load_for_executorch

from hvit_edge.runtime import Session

RUNS = 60
PRECISIONS = ("fp32", "int8")
OF_THE_DELEGATE = r"#\d+$"  # it numbers its operators
KINDS = (
    ("products, int8", r"(Fully Connected|Convolution).*QC8W"),
    ("depthwise convolutions", r"DWConv"),
    ("products, float: narrow or first convolutions, means", r"Fully Connected|Convolution"),
    ("products, float: attention", r"Batch Matrix Multiply"),
    ("activations", r"Sigmoid|GELU|Clamp"),
    ("softmax", r"Softmax"),
    ("multiply, add, subtract, square", r"Multiply|Add|Subtract|Square"),
    ("transposes, slices, copies", r"Transpose|Slice|Copy|Reshape|Concat"),
    ("rounding of maps", r"Convert"),
)
OTHER = "other"


def profile(name: str, folder: Path) -> dict[str, object]:
    """Return the milliseconds of each kind of operator in the float32 and the int8 program.

    XNNPACK counts an activation x * sigmoid(x) as a sigmoid and a multiplication. The rounding of
    the inputs of int8 products is part of the products. The programs use all cores and take turns.

    Args:
        name: a registered model.
        folder: the folder with the artifacts of `quantization.py families`.
    """
    artifacts = {precision: folder / f"{name} {precision}.pte" for precision in PRECISIONS}
    modules = {
        precision: _load_for_executorch(str(artifact), enable_etdump=True)
        for precision, artifact in artifacts.items()
    }
    shape = Session(artifacts["fp32"], prepare=False).inputs[0].shape
    image = torch.from_numpy(np.random.default_rng(0).standard_normal(shape, np.float32))
    for _ in range(RUNS):
        for module in modules.values():
            module.forward([image])
    taken = {precision: _by_kind(module) for precision, module in modules.items()}
    rows = [
        {"what": kind, **{precision: times[kind] for precision, times in taken.items()}}
        for kind in [*(kind for kind, _ in KINDS), OTHER]
    ]
    return {"model": name, "runs": RUNS, "results": rows}


def _by_kind(module: object) -> Counter[str]:
    """Return milliseconds by kind: sums of the medians of the operators."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, "dump.etdp")
        module.write_etdump_result_to_file(str(dump))
        blocks = Inspector(etdump_path=str(dump)).event_blocks
    events = next(block.events for block in blocks if block.name == "Execute")
    times: Counter[str] = Counter()
    for event in events:
        if event.perf_data and re.search(OF_THE_DELEGATE, event.name):
            times[_kind(event.name)] += float(event.perf_data.p50)
    return times


def _kind(operator: str) -> str:
    return next((kind for kind, pattern in KINDS if re.search(pattern, operator)), OTHER)
