"""Render the tables of results/coverage.json in Markdown: one per target, one row per model."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from measure.machine import name_machine

from tables.markdown import markdown_table

NOT_MADE = ""


def summary_table(report: dict) -> str:
    """Count, for each program, the models that compile and those without anything outside."""
    rows = []
    programs = dict.fromkeys(row["program"] for row in report["rows"])
    for program in programs:
        tried = [row for row in report["rows"] if row["program"] == program]
        made = [row for row in tried if "error" not in row]
        whole = [row for row in made if row.get("delegates") == 1 and not row["ops_outside"]]
        inside = NOT_MADE if program.startswith("coreml") else str(len(whole))
        rows.append((program, str(len(tried)), str(len(made)), inside))
    header = ("program", "tried", "compile", "one delegate, nothing outside")
    return markdown_table(header, rows, f"{name_machine(report)}.")


def delegate_table(target: str, report: dict) -> str:
    """Return the table of a target whose programs are ExecuTorch's: `xnnpack` or `native`."""
    header = (
        "model",
        "delegates",
        "outside",
        "fp32",
        "fp16",
        "int8",
        "int8-dynamic",
        "file",
        "seconds",
    )
    rows = []
    for model, cells in _by_model(report, target):
        whole = cells.get("fp32", {})
        columns = [
            model,
            str(whole.get("delegates", NOT_MADE)),
            ", ".join(whole.get("ops_outside", ())),
            _difference(whole),
            _difference(cells.get("fp16", {})),
            _noise(cells.get("int8", {})),
            _noise(cells.get("int8-dynamic", {})),
            _size(whole),
            str(whole.get("seconds", NOT_MADE)),
        ]
        rows.append(columns)
    return markdown_table(header, rows)


def core_ml_table(report: dict) -> str:
    """Return the table of Core ML's packages, run by the evaluator."""
    rows = []
    for model, cells in _by_model(report, "coreml"):
        half = cells.get("fp16", {})
        columns = [
            model,
            _cosine(half),
            _difference(cells.get("fp32", {})),
            _cosine(cells.get("w8", {})),
            _size(half),
            str(half.get("seconds", NOT_MADE)),
        ]
        rows.append(columns)
    return markdown_table(("model", "fp16", "fp32", "w8", "file", "seconds"), rows)


def times_table(report: dict) -> str:
    """Return the times of the float32 programs and their ratios, one row for each model."""
    header = ("model", "xnnpack", "native", "stock", "xnnpack / stock", "native / xnnpack")
    rows = []
    for row in report["rows"]:
        ratio, native = row["xnnpack_per_stock"], row["native_per_xnnpack"]
        columns = [
            row["model"],
            f"{row['xnnpack_ms']:.1f} ms",
            f"{row['native_ms']:.1f} ms",
            f"{row['stock_ms']:.1f} ms" if "stock_ms" in row else "wrong answer",
            NOT_MADE if ratio is None else f"{ratio:.2f}",
            f"{native:.2f}",
        ]
        rows.append(columns)
    return markdown_table(header, rows, f"2 threads; {name_machine(report)}.")


def refusals_table(report: dict) -> str:
    """Return why programs were refused."""
    refused = [row for row in report["rows"] if "error" in row]
    if not refused:
        return "None of the programs was refused."
    rows = [(row["model"], row["program"], row["error"]) for row in refused]
    return markdown_table(("model", "program", "reason"), rows)


def _by_model(report: dict, target: str) -> Iterable[tuple[str, dict[str, dict]]]:
    """Return the rows of a target by model, and those of a model by precision."""
    found: dict[str, dict[str, dict]] = {}
    for row in report["rows"]:
        of, _, precision = row["program"].partition(" ")
        if of == target:
            found.setdefault(row["model"], {})[precision] = row
    return found.items()


def _difference(cell: dict) -> str:
    return _shown(cell, lambda: f"{cell['max_rel']:.1e}")


def _cosine(cell: dict) -> str:
    return _shown(cell, lambda: f"{cell['cosine']:.6f}")


def _noise(cell: dict) -> str:
    decibel = cell.get("sqnr_centred_db")
    return _shown(cell, lambda: "not finite" if decibel is None else f"{decibel:.1f} dB")


def _size(cell: dict) -> str:
    return _shown(cell, lambda: f"{cell['bytes'] / 1e6:.1f} MB")


def _shown(cell: dict, text: Callable[[], str]) -> str:
    if "error" in cell:
        return "refused"
    return text() if cell else NOT_MADE
