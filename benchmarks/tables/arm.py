"""Render the tables of docs/arm.md from results/arm.json."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from measure.machine import name_machine

from hvit_edge.devices import LOCAL
from hvit_edge.devices.cores import CORES, estimates
from tables.markdown import markdown_table

OURS = ("fp32", "fp16", "int8", "int8-dynamic")
NATIVE = tuple(f"native {precision}" for precision in OURS)
ANY = tuple(f"any {precision}" for precision in OURS)
STOCK = ("stock fp32", "stock fp16", "stock int8")
TASK_SIZES = {"deeplabv3_mobilevit_xxs": 256, "ssdlite_mobilevit_xxs": 320}
"""Networks that segment and detect, with the side of their input."""
A76, ARMV8_6 = "qemu:cortex-a76", "qemu:armv8.6"
"""The devices on which programs are counted: with dot products and float16, and with i8mm too."""
PEERS = {"hvit-edge": "hvit-edge A76", "litert": "LiteRT", "onnxruntime": "ONNX Runtime"}


def on_device(report: dict, device: str) -> list[dict]:
    """Return the rows of one device."""
    return [row for row in report["rows"] if row["device"] == device]


def instructions_table(device: str, report: dict) -> str:
    """Return millions of guest instructions on one device, with one column per model."""
    found = on_device(report, device)
    counts = {
        (row["model"], row["precision"]): row["instructions"]["total"]
        for row in found
        if "instructions" in row
    }
    models = list(dict.fromkeys(row["model"] for row in report["rows"]))
    counted = {precision for _, precision in counts}
    rows = []
    for precision in (*OURS, *NATIVE, *ANY, *STOCK, *peer_precisions(report)):
        if precision not in counted:
            continue
        cells = (counts.get((model, precision)) for model in models)
        millions = (f"{cell / 1e6:.1f} M" if cell else "" for cell in cells)
        rows.append((_title(precision), *millions))
    packages = "".join(
        f", {p}" for p in sorted({row["package"] for row in found if "package" in row})
    )
    sizes = "".join(f"{n}: {TASK_SIZES[n]} x {TASK_SIZES[n]}; " for n in models if n in TASK_SIZES)
    note = (
        f"One inference, one thread, {device}; {sizes}empty: not measured, or the model does not"
        " lower."
    )
    return markdown_table(("", *models), rows, f"{note} {name_machine(report)}{packages}.")


def groups_table(report: dict) -> str:
    """Return millions of instructions and shares by kind of operator, one column per program."""
    rows = report["rows"]
    titles = [f"{row['model']} {row['precision']}" for row in rows]
    cells = []
    for group in rows[0]["kernels"]:
        counts = [row["kernels"][group] for row in rows]
        if not any(counts):
            continue
        shares = (
            f"{count / 1e6:.2f} M ({count / row['total']:.1%})"
            for count, row in zip(counts, rows, strict=True)
        )
        cells.append((group, *shares))
    cells.append(("all", *(f"{row['total'] / 1e6:.1f} M" for row in rows)))
    cells.append(("operators", *(str(row["operators"]) for row in rows)))
    devices = ", ".join(sorted({row["device"] for row in rows}))
    note = f"One inference, one thread, {devices}, --cpu arm; {name_machine(report)}."
    return markdown_table(("", *titles), cells, note)


def start_table(report: dict) -> str:
    """Return the instructions before the first inference, with one row per program and runner."""
    rows = [
        (
            f"{row['program']} ({row['bytes'] / 1e6:.2f} MB)",
            row["runner"],
            f"{row['start'] / 1e6:.2f} M",
            f"{row['inference'] / 1e6:.2f} M",
            f"{row['runner_bytes'] / 1e6:.2f} MB",
        )
        for row in report["rows"]
    ]
    header = ("program", "runner", "to the first inference", "an inference", "runner and libraries")
    devices = ", ".join(sorted({row["device"] for row in report["rows"]}))
    return markdown_table(header, rows, f"One thread, {devices}; {name_machine(report)}.")


def peer_precisions(report: dict) -> list[str]:
    """Return the precisions of peers, such as "litert fp32", in the order of the rows."""
    named = (row["precision"] for row in report["rows"])
    return list(dict.fromkeys(p for p in named if p.partition(" ")[0] in PEERS))


def _title(precision: str) -> str:
    peer, _, rest = precision.partition(" ")
    return f"{PEERS[peer]} {rest}" if peer in PEERS else precision


def peers_table(report: dict) -> str:
    """Return the peers' differences from PyTorch, and the reasons of missing counts."""
    header = ("model", "peer", "from PyTorch", "cosine", "top-1", "multiply-adds", "file")
    rows = []
    for row in on_device(report, A76):
        if row["precision"].partition(" ")[0] not in PEERS:
            continue
        named = (row["model"], _title(row["precision"]))
        if "error" in row:
            rows.append((*named, row["error"], "", "", "", ""))
            continue
        agreement = row.get("agreement")
        if agreement is None:
            continue  # ours: parity_table has it
        measured = (
            f"{agreement['max_rel']:.1e}",
            f"{agreement['cosine']:.4f}",
            "" if row["model"] in TASK_SIZES else f"{agreement['top1_agree']:.0%}",
            f"{row['work']:.1%}",
            f"{row['bytes'] / 1e6:.1f} MB",
        )
        rows.append((*named, *measured))
    photos = min(row["agreement"]["photos"] for row in on_device(report, A76) if "agreement" in row)
    note = (
        f"Largest difference relative to the largest output, on aarch64, {photos} photos or more;"
        " multiply-adds of the converted graph as a share of the module's."
    )
    return markdown_table(header, rows, f"{note} {name_machine(report)}.")


def parity_table(report: dict) -> str:
    """Return the differences from PyTorch and from this machine, per model and precision."""
    header = (
        "model",
        "precision",
        "from PyTorch",
        "top-1",
        "from x86-64",
        "top-1",
        "file",
        "peak memory",
    )
    rows = [
        (
            row["model"],
            row["precision"],
            f"{row['max_rel']:.1e}",
            f"{row['top1_agree']:.0%}",
            f"{row['host_max_rel']:.1e}",
            f"{row['host_top1_agree']:.0%}",
            f"{row['bytes'] / 1e6:.1f} MB",
            f"{row['peak_bytes_here'] / 1e6:.1f} MB",
        )
        for row in on_device(report, A76)
        if "max_rel" in row
    ]
    sizes = f"{report['runner_bytes'] / 1e6:.2f} MB and {report['library_bytes'] / 1e6:.1f} MB"
    note = (
        "Largest difference relative to the largest output, four photos. Peak memory: the runner"
        f" with its libraries on x86-64. File sizes of runner and libraries for aarch64: {sizes}."
    )
    return markdown_table(header, rows, f"{note} {name_machine(report)}.")


def estimates_table(report: dict) -> str:
    """Return estimated milliseconds, with one column per core; none of them was measured."""
    rows = []
    for row in on_device(report, A76):
        if row["precision"] in (*OURS, *NATIVE) and "classes" in row.get("instructions", {}):
            found = estimates(row["instructions"]["classes"], row["bytes"])
            cells = (f"{each.ms:.1f} ms" for each in found)
            rows.append((f"{row['model']} {row['precision']}", *cells))
    cores = ", ".join(f"{c.name} at {c.clock_ghz} GHz ({c.device})" for c in CORES)
    header = ("estimate, not measured", *(core.name for core in CORES))
    note = f"One thread; {cores}; counted on {name_machine(report)}."
    return markdown_table(header, rows, note)


def cores_table(report: dict) -> str:
    """Return the estimates next to published times, also with cache misses if they were counted."""
    modeled = all("ms_with_misses" in r for r in report["rows"])
    scale = (
        median(r["published_ms"] / r["ms_with_misses"] for r in report["rows"]) if modeled else 0
    )
    rows = [
        (
            r["model"],
            f"{r['core']}, {r['device']}",
            f"{r['estimated_ms']:.1f} ms",
            f"{r['published_ms']:.1f} ms",
            f"{r['estimated_ms'] / r['published_ms']:.2f}",
            *([f"{scale * r['ms_with_misses'] / r['published_ms']:.2f}"] if modeled else []),
            r["source"],
        )
        for r in report["rows"]
    ]
    more = ("with misses",) if modeled else ()
    header = ("model", "core", "estimated", "published", "ratio", *more, "source")
    note = "float32, one thread; "
    if modeled:
        note += "with misses: the ratio of the estimate with cache misses, with a median of 1; "
    return markdown_table(header, rows, f"{note}counted on {name_machine(report)}.")


def misses_table(report: dict) -> str:
    """Return the lines that each level of the caches misses, by kind of operator."""
    columns = {
        f"{row['program']}, {core}": {**misses["kernels"], "all": misses["all"]}
        for row in report["rows"]
        for core, misses in row["cores"].items()
    }
    kinds = dict.fromkeys(kind for misses in columns.values() for kind in misses if kind != "all")
    rows = [
        (kind, *(_levels(misses.get(kind, (0, 0, 0))) for misses in columns.values()))
        for kind in (*kinds, "all")
    ]
    lines = {core: m["line"] for row in report["rows"] for core, m in row["cores"].items()}
    sizes = ", ".join(f"{size} bytes ({core})" for core, size in lines.items())
    note = (
        "Thousands of lines that the first / second / third level misses in one inference after"
        f" another one; a line has {sizes}. Modeled on {name_machine(report)}."
    )
    return markdown_table(("", *columns), rows, note)


def _levels(misses: Sequence[int]) -> str:
    return " / ".join(f"{count / 1e3:.1f}" for count in misses)


def rewrites_table(report: dict) -> str:
    """Return the additional instructions without each rewrite, with one column per model."""
    cells = {(row["model"], row["without"]): row for row in report["rows"]}
    models = list(dict.fromkeys(row["model"] for row in report["rows"]))
    rows = []
    for name in dict.fromkeys(row["without"] for row in report["rows"]):
        if name == "none":
            continue
        found = [
            _more(cells.get((model, name), {}), cells[model, "none"]["instructions"])
            for model in models
        ]
        rows.append((name, *found))
    note = (
        "Additional instructions without the rewrite; needed: without it the program is not one"
        " delegate."
    )
    return markdown_table(("without", *models), rows, f"{note} {name_machine(report)}.")


def _more(row: dict, whole: int) -> str:
    if "needed" in row:
        return "needed"
    if "instructions" not in row:
        return ""
    return f"{round(row['instructions'] / whole - 1, 3) or 0.0:+.1%}"  # "+0.0%", never "-0.0%"


def accuracy_table(report: dict) -> str:
    """Return the accuracy, with one row per program."""
    header = ("target", "precision", "--cpu", "ran on", "top-1", "same class as PyTorch")
    rows = [
        (
            row["target"],
            row["precision"],
            row["cpu"] or "",
            "x86-64" if row["device"] == LOCAL else row["device"],
            f"{row['top1']:.1%}",
            f"{row['agreement']:.1%}",
        )
        for row in report["results"]
    ]
    first = report["results"][0]
    note = (
        f"Bundled mobilevit_xxs, {first['images']} images of {first['data']}, int8 calibrated on"
        f" 512 others; PyTorch: {first['eager_top1']:.1%}; {name_machine(report)}."
    )
    return markdown_table(header, rows, note)
