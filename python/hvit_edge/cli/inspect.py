"""Show what an artifact contains: metadata, delegates, operators outside them, sizes, memory.

For a package it shows operators by type, precisions, weights by encoding, inputs and outputs, and
the operators that probably do not run on the Neural Engine. These are predicted by rules, not
measured.
"""

from __future__ import annotations

import argparse
import textwrap
from collections import Counter

from hvit_edge.artifact.kinds import check_exists
from hvit_edge.artifact.metadata import CLASSIFY, TENSOR
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import VerbParser
from hvit_edge.precision import CPUS
from hvit_edge.tasks.names import EMBED, L2, SEGMENT

WIDTH = 72


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `inspect`."""
    parser.add_argument("artifact", metavar="ARTIFACT", help="a .pte or .mlpackage from `compile`")


def execute(args: argparse.Namespace, console: Console) -> int:
    """Print the description of an artifact."""
    check_exists(args.artifact)
    with console.quiet():
        from hvit_edge.inspection.programs import describe

        facts = describe(args.artifact)
    if args.format == "json":
        console.json(facts)
    else:
        console.print(_describe(facts))
    return 0


def _describe(facts: dict) -> str:
    program = (_package if facts["format"] == "mlpackage" else _program)(facts)
    meta = facts["metadata"]
    parity = meta["parity"]
    metadata = [
        ("model", meta["model_name"]),
        ("target", _target(meta)),
        ("created", meta["created"]),
        (
            "weights",
            f"{text.weights(meta['weights_source'], meta['weights_key'])}\n"
            f"sha256 {meta['weights_sha256']}",
        ),
        ("versions", "\n".join(f"{name} {value}" for name, value in meta["versions"].items())),
        *_of_task(meta),
        (
            "parity",
            f"max abs {parity['max_abs']:.2e}, max rel {parity['max_rel']:.2e},"
            f" cosine {parity['cosine']:.7f}{_top1(meta)}",
        ),
        ("self test tolerance", f"{meta['golden_tolerance']:.1e}, relative"),
        ("layers", text.counts(layer["precision"] for layer in meta["layers"]) or "no record"),
        *_lowering(meta),
        ("schema", meta["schema_version"]),
    ]
    return text.fields(program + metadata)


def _lowering(meta: dict) -> list[tuple[str, str]]:
    """Return fields on failures during lowering; empty if there were none."""
    left_out = meta["rewrites_left_out"].replace("\t", ": ")
    pairs = [("rewrites left out", left_out), ("lowered plainly", meta["fallback"])]
    return [(name, value) for name, value in pairs if value]


def _of_task(meta: dict) -> list[tuple[str, object]]:
    if meta["task"] == TENSOR:
        return [("task", "tensor: arrays in, arrays out"), ("sample", meta["sample_source"])]
    return [
        *_answers(meta),
        ("preprocessing", text.preprocess(meta["preprocess"], meta["preprocess_source"])),
        ("labels", _labels(meta["labels"], meta["labels_source"])),
    ]


def _answers(meta: dict) -> list[tuple[str, str]]:
    """Return what an artifact computes from a photo; empty for classes."""
    task = meta["task"]
    if task == CLASSIFY:
        return []
    if task == EMBED:
        length = "length 1 (L2)" if meta["normalize"] == L2 else "not normalized"
        return [("task", f"{task}: a photo to a vector, {length}")]
    if task == SEGMENT:
        colors = ", ".join(meta["colors"][:5]) + (", ..." if len(meta["colors"]) > 5 else "")
        return [
            ("task", f"{task}: a photo to the class of each pixel"),
            ("colors", colors or "the palette of Pascal VOC"),
        ]
    return [("task", f"{task}: a photo to boxes"), ("boxes", _boxes(meta["detect"]))]


def _boxes(detect: dict) -> str:
    variances = ", ".join(f"{value:g}" for value in detect["variances"])
    return (
        f"{detect['anchors']} anchors, variances {variances}\n"
        f"score above {detect['score_threshold']:g}, IoU of kept boxes up to"
        f" {detect['iou_threshold']:g}\n"
        f"at most {detect['candidates']} candidates of a class, {detect['max_detections']} boxes"
    )


def _top1(meta: dict) -> str:
    if meta["task"] == TENSOR:
        return ""
    if meta["task"] != CLASSIFY:
        return f", answers {'agree' if meta['parity']['top1_agree'] else 'differ'}"
    return f", top-1 {'agrees' if meta['parity']['top1_agree'] else 'differs'}"


def _target(meta: dict) -> str:
    shaped = "" if meta["cpu"] == CPUS[0] else f", shaped for {meta['cpu']}"
    return f"{meta['target']}, {meta['precision']}{shaped}"


def _program(facts: dict) -> list[tuple[str, object]]:
    return [
        ("file", f"{facts['path']}, {text.size(facts['bytes'])}"),
        ("inputs", "\n".join(text.tensor(tensor) for tensor in facts["inputs"])),
        ("outputs", "\n".join(text.tensor(tensor) for tensor in facts["outputs"])),
        ("delegates", _counted(facts["delegates"])),
        ("operators outside", _outside(facts)),
        ("planned memory", text.size(facts["planned_memory_bytes"])),
        *([("methods", "\n".join(map(_method, facts["methods"])))] if facts["methods"] else []),
    ]


def _outside(facts: dict) -> str:
    """Return the operators outside the delegates, by module if the artifact has a record."""
    recorded = facts["metadata"]["ops_outside"]
    pairs = [tuple(line.split("\t")) for line in recorded.splitlines()]
    return "\n".join([_counted(facts["ops_outside"]), *text.outside(pairs, facts["path"])])


def _method(method: dict) -> str:
    outside = sum(method["ops_outside"].values())
    left = f", {outside} operators outside" if outside else ""
    return (
        f"{method['name']}: batch {method['batch']},"
        f" planned memory {text.size(method['planned_memory_bytes'])}{left}"
    )


def _package(facts: dict) -> list[tuple[str, object]]:
    sizes = ", ".join(f"{name} {text.size(count)}" for name, count in facts["sizes"].items())
    weights = [
        f"{row['count']} {name}, {text.size(row['bytes'])}"
        for name, row in facts["weights"].items()
    ]
    reasons = Counter(row["reason"] for row in facts["predicted_outside_neural_engine"])
    outside = [f"{count}: {reason}" for reason, count in reasons.most_common()] or ["none"]
    return [
        ("package", f"{facts['path']}, {text.size(facts['bytes'])}\n{sizes}"),
        ("inputs", "\n".join(_feature(feature) for feature in facts["inputs"])),
        ("outputs", "\n".join(_feature(feature) for feature in facts["outputs"])),
        *_suppression(facts["suppression"]),
        ("needs", f"{facts['opset']} or later, specification {facts['specification']}"),
        ("operators", _wrapped(facts["operators"])),
        ("precisions", _wrapped(facts["precisions"])),
        ("weights", "\n".join(weights) or "none"),
        ("not on Neural Engine", "\n".join(outside) + "\n(predicted by rules, not measured)"),
        ("compute units", f"{facts['compute_units']} (a hint for apps)"),
    ]


def _suppression(found: dict | None) -> list[tuple[str, str]]:
    """Return the last part of a pipeline that detects; empty for other packages."""
    if found is None:
        return []
    described = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in found.items()
        if not isinstance(value, list)
    )
    return [("suppression", described)]


def _feature(feature: dict) -> str:
    if feature["kind"] == "image":
        _, _, height, width = feature["shape"]
        return f"{feature['name']}: {feature['layout']} image {height}x{width}"
    if feature["kind"] == "tensor":
        return f"{feature['name']}: {_tensor(feature)}"
    return f"{feature['name']}: {feature['kind']}"


def _wrapped(names: dict[str, int]) -> str:
    listed = ", ".join(f"{count} {name}" for name, count in names.items())
    return textwrap.fill(listed, WIDTH, break_long_words=False, break_on_hyphens=False)


def _tensor(tensor: dict) -> str:
    return f"{tensor['dtype']} [{', '.join(str(side) for side in tensor['shape'])}]"


def _counted(names: dict[str, int]) -> str:
    if not names:
        return "none"
    return "\n".join(f"{count} {name}" for name, count in names.items())


def _labels(labels: list[str], source: str) -> str:
    if not labels:
        return "none"
    shown = ", ".join(labels[:5])
    named = f"{len(labels)}: {shown}{', ...' if len(labels) > 5 else ''}"
    return f"{named}\n({text.said_by(source)})" if source else named
