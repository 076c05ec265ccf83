"""Render the tables of docs/performance.md and of the README from results/peers.json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from measure.interleave import ratio
from measure.machine import name_machine

from tables.markdown import markdown_table

NONE_YET = "Not measured yet: `make bench`."
TITLES = {
    "hvit-edge": "**hvit-edge**",
    "executorch": "stock ExecuTorch",
    "litert": "LiteRT",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "eager": "PyTorch",
}
MEASURES = (
    "ms (10 to 90 %)",
    "ours / it (10 to 90 %)",
    "of fp32 peak",
    "load ms",
    "first run ms",
    "peak MiB (imports)",
    "file MB",
    "from PyTorch",
    "cosine",
    "top-1",
    "SQNR dB",
)
INT8_OF = {"hvit-edge": "xnnpack", "hvit-edge native": "native", "openvino": "OpenVINO"}


def overview_table(report: dict) -> str:
    """Return one short row per model, for readers who are new to the project."""
    if not report["rows"]:
        return NONE_YET
    header = (
        "model",
        "threads",
        "difference from PyTorch",
        "hvit-edge fp32",
        "fastest other runtime",
        "stock ExecuTorch fp32",
        "hvit-edge int8",
    )
    cells = []
    for rows in groups(report):
        ours = fastest(row for row in rows if is_ours(row))
        if ours is not None and not is_reduced(ours):
            cells.append(_overview_cells(ours, rows, report))
    explained = (
        "Difference: the largest difference of a logit on four photos, divided by the largest"
        " logit. dB: signal-to-noise ratio of the logits. hvit-edge: the faster one of the targets"
        " xnnpack and native."
    )
    return markdown_table(header, cells, f"{explained} {note(report)}")


def _overview_cells(ours: dict, rows: list[dict], report: dict) -> list[str]:
    """Return a row about the fastest float32 program of ours; `rows` compete with it."""
    peer = fastest(row for row in rows if not is_ours(row))
    stock = fastest(row for row in rows if row["contestant"] == "executorch fp32")
    int8 = fastest(
        row
        for row in report["rows"]
        if (row["model"], row["threads"]) == (ours["model"], ours["threads"])
        and is_ours(row)
        and row["contestant"].endswith(" int8")
    )
    return [
        ours["model"],
        str(ours["threads"]),
        f"{ours['agreement']['max_rel']:.1e}",
        f"**{_time(ours)}**",
        "none" if peer is None else f"{_time(peer)} ({title(peer)})",
        "none" if stock is None else _time(stock),
        "none" if int8 is None else f"**{_time(int8)}**",
    ]


def summary_table(report: dict) -> str:
    """Return our fastest program and the fastest peer, by model, threads and kind of comparison."""
    if not report["rows"]:
        return NONE_YET
    header = ("model", "threads", "", "hvit-edge", "fastest peer", "ours / peer (10 to 90 %)")
    rows = [
        (
            first["model"],
            str(first["threads"]),
            kind,
            in_short(ours),
            in_short(peer),
            relation(ours, peer),
        )
        for first, kind, ours, peer in contests(report)
    ]
    return markdown_table(header, rows, note(report))


def contests(report: dict) -> Iterator[tuple[dict, str, dict | None, dict | None]]:
    """Yield a row of the group, the kind, our fastest program and the fastest peer that competes.

    Below float32, the first comparison has peers of any precision that are as exact as ours, and
    the second has all peers.
    """
    for rows in groups(report):
        first = rows[0]
        ours = fastest(row for row in rows if is_ours(row))
        peers = [row for row in rows if not is_ours(row)]
        if not is_reduced(first):
            yield first, "fp32", ours, fastest(peers)
            continue
        rivals = [
            row
            for row in report["rows"]
            if not is_ours(row)
            and (row["model"], row["threads"]) == (first["model"], first["threads"])
            and ours is not None
            and is_as_exact(row, ours)
        ]
        yield first, "reduced, as exact", ours, fastest(rivals)
        yield first, "reduced, any", ours, fastest(peers)


def is_as_exact(row: dict, ours: dict) -> bool:
    """Return True if a peer is as close to PyTorch as ours; an SQNR of None means equal answers."""
    if "agreement" not in row:
        return False
    sqnr = row["agreement"]["sqnr_db"]
    return sqnr is None or sqnr >= ours["agreement"]["sqnr_db"]


def int8_table(report: dict) -> str:
    """Return int8 and float32 of the same runtime, with one row per model and number of threads."""
    if not report["rows"]:
        return NONE_YET
    heads = [head for name in INT8_OF.values() for head in (f"{name} fp32", "int8", "ratio")]
    rows = []
    found = {(r["model"], r["threads"], r["contestant"]): r for r in report["rows"]}
    for model, threads in dict.fromkeys((model, threads) for model, threads, _ in found):
        cells = [model, str(threads)]
        for contestant in INT8_OF:
            fp32, int8 = (
                found.get((model, threads, f"{contestant} {precision}"), {})
                for precision in ("fp32", "int8")
            )
            timed = "median_ms" in fp32 and "median_ms" in int8
            cells += [_time(row) if timed else "" for row in (fp32, int8)]
            cells.append(relation(int8, fp32) if timed else "")
        rows.append(cells)
    return markdown_table(("model", "threads", *heads), rows, note(report))


def _time(row: dict) -> str:
    return f"{row['median_ms']:.1f} ms{_decibels(row)}"


def _decibels(row: dict) -> str:
    """Return the SQNR of a reduced precision."""
    return f", {row['agreement']['sqnr_db']:.0f} dB" if is_reduced(row) else ""


def model_table(model: str, report: dict) -> str:
    """Return all measurements of one model, with one row per contestant and number of threads."""
    of_model = {**report, "rows": [row for row in report["rows"] if row["model"] == model]}
    references = {
        id(row): fastest(other for other in rows if is_ours(other))
        for rows in groups(of_model)
        for row in rows
    }
    rows = [
        (title(row), str(row["threads"]), *_cells(row, references[id(row)]))
        for row in of_model["rows"]
    ]
    return markdown_table(("", "threads", *MEASURES), rows) if rows else NONE_YET


def roofline_table(report: dict) -> str:
    """Return the measured limits of the machine."""
    if not report["rows"]:
        return NONE_YET
    rows = [
        (threads, f"{roof['gigaflops'] / 2:.0f} G/s", f"{roof['copy_gb_per_s']:.1f} GB/s")
        for threads, roof in sorted(report["roofline"].items(), key=lambda item: int(item[0]))
    ]
    features = ", ".join(report["features"])
    explained = f"Vector instructions: {features}. {note(report)}"
    return markdown_table(("threads", "fp32 multiply-adds", "copied"), rows, explained)


def groups(report: dict) -> list[list[dict]]:
    """Return the rows that are compared: of one model, number of threads and kind of precision."""
    found: dict[tuple, list[dict]] = {}
    for row in report["rows"]:
        found.setdefault((row["model"], row["threads"], is_reduced(row)), []).append(row)
    return list(found.values())


def fastest(rows) -> dict | None:
    """Return the fastest row that has a time, or None."""
    timed = [row for row in rows if "median_ms" in row]
    return min(timed, key=lambda row: row["median_ms"], default=None)


def relation(ours: dict | None, other: dict | None) -> str:
    """Return the ratio of two rows; rows of different runs share no rounds and have none."""
    if ours is None or other is None or ours["run"] != other["run"]:
        return ""
    found = ratio(ours["round_ms"], other["round_ms"])
    return f"{found['median']:.2f} ({found['p10']:.2f} to {found['p90']:.2f})"


def is_ours(row: dict) -> bool:
    """Return True if the contestant is hvit-edge."""
    return row["contestant"].startswith("hvit-edge ")


def is_reduced(row: dict) -> bool:
    """Return True if the contestant computes in less than float32."""
    return row["contestant"].split()[-1] != "fp32"


def title(row: dict) -> str:
    """Return the name in the tables, such as "LiteRT int8"."""
    runtime, _, precision = row["contestant"].partition(" ")
    return f"{TITLES.get(runtime, runtime)} {precision}"


def in_short(row: dict | None) -> str:
    """Return name, time and, for a reduced precision, the SQNR."""
    if row is None:
        return "none"
    return f"{title(row)}: {_time(row)}"


def note(report: dict) -> str:
    """Return the versions, the machine, and the load averages, which show how idle it was."""
    packages = ", ".join(sorted({row["package"] for row in report["rows"] if "package" in row}))
    loads = [row["load_average_before"] for row in report["rows"]]
    return (
        f"Medians, batch 1. {packages}. Load average before the models' rounds"
        f" {min(loads):.1f} to {max(loads):.1f}. {name_machine(report)}."
    )


def _cells(row: dict, reference: dict | None) -> Sequence[str]:
    if "error" in row:
        return [row["error"].replace("|", "/").replace("<", "&lt;"), *[""] * (len(MEASURES) - 1)]
    far = row["agreement"]
    sqnr = far["sqnr_db"]
    return (
        f"{row['median_ms']:.1f} ({row['p10_ms']:.1f} to {row['p90_ms']:.1f})",
        "1" if row is reference else relation(reference, row),
        f"{row['share_of_fp32_peak']:.0%}",
        f"{row['load_ms']:.0f}",
        f"{row['first_ms']:.0f}",
        f"{row['peak_mib']:.0f} ({row['imported_mib']:.0f})" if "peak_mib" in row else "",
        f"{row['bytes'] / 1e6:.1f}",
        f"{far['max_rel']:.1e}",
        f"{far['cosine']:.4f}",
        f"{far['top1_agree']:.0%}",
        "exact" if sqnr is None else f"{sqnr:.0f}",
    )
