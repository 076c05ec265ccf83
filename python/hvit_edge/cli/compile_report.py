"""Describe one compiled artifact as text."""

from __future__ import annotations

from hvit_edge.artifact.metadata import CLASSIFY, TENSOR
from hvit_edge.cli import text
from hvit_edge.errors import first_line_of


def describe_one(report: dict, lines: list[str]) -> str:
    """Return the report of an artifact as text.

    Args:
        report: see `compiler.report.Report.to_dict`.
        lines: the suggested commands.
    """
    pairs = [
        ("artifact", f"{report['path']}, {text.size(report['bytes'])}"),
        ("peak memory", text.size(report["peak_memory_bytes"])),
        ("weights", text.weights(report["weights"], report["weights_key"])),
        *(_tensors if report["task"] == TENSOR else _photos)(report),
        *(_package_fields if report["target"] == "coreml" else _delegate_fields)(report),
    ]
    left_out = report["rewrites_left_out"]
    if left_out:
        reasons = (f"{one['rewrite']}: {first_line_of(one['reason'])}" for one in left_out)
        pairs.append(("rewrites left out", "\n".join(reasons)))
    if report["reused"]:
        pairs.append(("reused", ", ".join(report["reused"])))
    if report["fallback"]:
        pairs.append(("lowered plainly", report["fallback"]))
    if report["calibration"]:
        noun = "samples" if report["task"] == TENSOR else "images"
        pairs.append(("calibration", f"{report['calibration']['images']} {noun}"))
    mixture = report.get("mixture")
    if mixture:
        pairs += _mixture_fields(mixture)
    ranking = _ranking(mixture["ranking"]) if mixture and mixture["ranking"] else ""
    parity = text.parity_table(report["steps"])
    if report.get("methods"):
        parity = _methods(report["methods"])
    return (
        f"Compiled {report['model']} for {report['target']} in {report['precision']},"
        f" {report['seconds']:.1f} s\n\n{text.fields(pairs)}\n\n{ranking}"
        f"Parity:\n{parity}\n\n"
        "Next:\n" + "\n".join(f"  {line}" for line in lines)
    )


def _methods(methods: list[dict]) -> str:
    """Return a table of the methods and the parity of their programs."""
    rows = [
        (
            one["name"],
            str(one["batch"]),
            f"{one['parity']['max_abs']:.2e}",
            f"{one['parity']['max_rel']:.2e}",
            "agrees" if one["parity"]["top1_agree"] else "differs",
        )
        for one in methods
    ]
    return text.table(("method", "batch", "max abs", "max rel", "top-1"), rows)


def _photos(report: dict) -> list[tuple[str, object]]:
    labels = report["labels_source"]
    pairs = [
        ("preprocessing", text.preprocess(report["preprocess"], report["preprocess_source"])),
        ("labels", text.said_by(labels) if labels else "none"),
    ]
    if report["task"] != CLASSIFY:
        outputs = "\n".join(map(text.tensor, report["outputs"]))
        pairs = [("task", report["task"]), ("outputs", outputs), *pairs]
    return pairs


def _tensors(report: dict) -> list[tuple[str, object]]:
    return [
        ("inputs", "\n".join(map(text.tensor, report["inputs"]))),
        ("outputs", "\n".join(map(text.tensor, report["outputs"]))),
        ("sample", report["sample_source"]),
    ]


def _delegate_fields(report: dict) -> list[tuple[str, object]]:
    outside = [(one["op"], one["module"]) for one in report["ops_outside"]]
    number = f"{len(outside) or 'none'} of {report['ops_total']}"
    return [
        ("delegates", report["delegates"]),
        ("operators outside", "\n".join([number, *text.outside(outside, report["path"])])),
    ]


def _package_fields(report: dict) -> list[tuple[str, object]]:
    kept = report["in_float32"]
    listed = (
        f"{one['operator']} in {one['module'] or 'the root'}: {one['reason']}" for one in kept
    )
    return [
        ("runs on", f"iOS {report['ios']} or later"),
        ("operators", f"{report['ops_total']}, {report['moves']} transposes and reshapes"),
        ("kept in float32", "\n".join(listed) or "none"),
    ]


def _mixture_fields(mixture: dict) -> list[tuple[str, object]]:
    chosen = list(mixture["layers"].values())
    counts = ((p, chosen.count(p)) for p in ("int8", "fp16", "fp32"))
    pairs = [
        ("plan", mixture["plan_path"]),
        ("layers", ", ".join(f"{count} {p}" for p, count in counts if count)),
    ]
    if mixture["drop"] is not None:
        top1 = f"{text.percent(mixture['float_top1'])} to {text.percent(mixture['top1'])}"
        pairs.append(("drop", f"{mixture['drop']:.2f} of {mixture['max_drop']:g} points, {top1}"))
    return pairs


def _ranking(rows: list[dict]) -> str:
    """Return a table of the layers, the most sensitive first."""
    listed = [
        (
            row["layer"],
            f"{row['sensitivity']['sqnr_db']:.1f} dB" if row["sensitivity"] else "",
            text.percent(row["sensitivity"]["agreement"]) if row["sensitivity"] else "",
            f"{1e3 * row['saved_ms']:.0f} us",
            row["precision"],
        )
        for row in rows
    ]
    header = ("layer", "SQNR alone", "agreement", "saved", "chosen")
    return f"{text.table(header, listed)}\n\n"
