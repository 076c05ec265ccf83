"""Count the guest instructions that each rewrite saves, in programs with all rewrites but one.

    python benchmarks/rewrites.py FOLDER [--models ...] [--rewrites ...]

Run `make arm` first. The programs are fp32, compiled with `--cpu arm`, for inputs of 64x64 pixels:
a count takes seconds for this size, and the shares of the operators are similar. A rewrite is
"needed" if the program does not lower to one delegate without it, and then its saving cannot be
counted. Rows go to results/rewrites.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from arm import count
from measure.rows import put_row

from hvit_edge.artifact.container import Golden, constant_methods, seal
from hvit_edge.compiler.description import describe_artifact
from hvit_edge.compiler.photo_gate import PhotoGate
from hvit_edge.compiler.subject import Subject, prepare_subject
from hvit_edge.errors import HvitEdgeError
from hvit_edge.lowering import ARM_PIPELINE, export_graph, rewrite
from hvit_edge.targets.xnnpack.lower import lower

RESULTS = Path(__file__).parent / "results" / "rewrites.json"
MODELS = ("mobilevit_xs", "conformer_ti", "shunted_t", "swin_t")
NONE = "none"
REWRITES = tuple(dict.fromkeys(apply.__name__ for apply in ARM_PIPELINE))
ADDRESS = "qemu:cortex-a76"
SIDE = 64


def main() -> None:
    """Measure the requested programs row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--rewrites", nargs="+", default=(NONE, *REWRITES))
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.models:
        subject = prepare_subject(name, weights="random", input_size=SIDE)
        for left_out in args.rewrites:
            artifact = args.folder / f"{name} without {left_out}.pte"
            put_row(RESULTS, {"model": name, "without": left_out},
                    measure(subject, left_out, artifact), place)  # fmt: skip


def place(row: dict) -> tuple:
    """Return the place of a row: by model, then in the order of the pipeline."""
    return MODELS.index(row["model"]), (NONE, *REWRITES).index(row["without"])


def measure(subject: Subject, left_out: str, artifact: Path) -> dict[str, object]:
    """Return the instructions of one inference, or the reason why the rewrite is needed."""
    try:
        applied = compile_without(subject, left_out, artifact)
    except HvitEdgeError as error:
        return {"needed": str(error).splitlines()[0][:200]}
    if not applied and left_out != NONE:
        return {"applies": False}
    return {"instructions": count(artifact, ADDRESS)["total"]}


def compile_without(subject: Subject, left_out: str, artifact: Path) -> bool:
    """Write the program, and return whether the rewrite would have changed anything.

    Raises:
        HvitEdgeError: it is no longer one delegate.
    """
    module, example = subject.module, (torch.from_numpy(subject.example),)
    graph = export_graph(module, example)
    applied = {report.name for report in rewrite(graph, passes=ARM_PIPELINE) if report.modified}
    if left_out != NONE:
        if left_out not in applied:
            return False
        graph = export_graph(module, example)
        passes = [apply for apply in ARM_PIPELINE if apply.__name__ != left_out]
        rewrite(graph, passes=passes)
    gate = PhotoGate(subject, "fp32", rtol=None)
    gate.check_graph("rewritten", graph)
    lowered = lower(graph, example)
    if lowered.delegates != 1 or lowered.ops_outside:
        outside = sorted({op.op for op in lowered.ops_outside})
        raise HvitEdgeError(
            f"{lowered.delegates} delegates, {len(lowered.ops_outside)} operators outside:"
            f" {', '.join(outside)}"
        )
    metadata = describe_artifact(gate, "xnnpack", cpu="arm")
    golden = Golden(subject.golden_image, subject.expected)
    artifact.write_bytes(seal(lowered.serialize(constant_methods(metadata, golden))))
    return True


if __name__ == "__main__":
    main()
