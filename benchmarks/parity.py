"""Compare each step of every registered model with eager PyTorch on the bundled photos.

    python benchmarks/parity.py [MODEL ...] [--output benchmarks/results/parity.json]

Weights are "random": deterministic, and no norm is trivial.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from measure.machine import describe_machine
from tqdm import tqdm

import hvit_edge
from hvit_edge.models import list_models, model_info

RESULTS = Path(__file__).parent / "results"


def measure(name: str, folder: Path) -> dict[str, object]:
    """Compile `name` and validate the artifact on the bundled photos."""
    path = folder / f"{name}.pte"
    report = hvit_edge.compile(name, weights="random", output=path).report
    parity = hvit_edge.validate(path)
    session = hvit_edge.Session(path)
    path.unlink()
    return {
        "model": name,
        "params": model_info(name).params,
        "input_size": list(session.inputs[0].shape[2:]),
        "bytes": report.bytes,
        "delegates": report.lowered.delegates,
        "ops_outside": len(report.lowered.ops_outside),
        "ops_total": report.lowered.ops_total,
        "photos": parity.images,
        "steps": {step.name: step.difference.to_dict() for step in parity.steps},
    }


def main() -> None:
    """Measure the models and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--output", type=Path, default=RESULTS / "parity.json")
    args = parser.parse_args()
    names = args.models or [info.name for info in list_models() if info.task == "classify"]
    with tempfile.TemporaryDirectory() as folder:
        results = [measure(name, Path(folder)) for name in tqdm(names, disable=None)]
    report = {"machine": describe_machine(), "results": results}
    args.output.parent.mkdir(exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
