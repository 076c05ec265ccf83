"""Render the tables of results/deployed_sizes.json in Markdown."""

from __future__ import annotations

from measure.machine import name_machine

from tables.markdown import markdown_table


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"


def _peer(row: dict) -> tuple[str, ...]:
    """Return the cells of another runtime, whose cost may not have been measured."""
    cost = ("", "")
    if "peak_bytes" in row:
        cost = (_megabytes(row["peak_bytes"]), _milliseconds(row["cpu_seconds"]))
    return (row["runtime"], "", "", _megabytes(row["bytes"]), *cost)


def _peers_cost(report: dict) -> str:
    if not any("peak_bytes" in row for row in report["peers"]):
        return ""
    return (
        ", and a Python process that loads the same network and runs it once, less what Python and"
        f" numpy take alone, medians of {report['peer_runs']}"
    )


def libraries_table(report: dict) -> str:
    """Return one row per runtime: what an app ships, and what a process that runs once costs."""
    header = (
        "runtime",
        "C library",
        "ExecuTorch's libraries",
        "together",
        "peak memory",
        "CPU time",
    )
    rows = [
        (
            row["runtime"],
            _megabytes(row["c_library_bytes"]),
            _megabytes(row["executorch_bytes"]) if row["executorch_bytes"] else "none",
            _megabytes(row["c_library_bytes"] + row["executorch_bytes"]),
            _megabytes(row["peak_bytes"]),
            _milliseconds(row["cpu_seconds"]),
        )
        for row in report["rows"]
    ]
    rows += [_peer(peer) for peer in report["peers"]]
    note = (
        "Without symbols. Peak memory and CPU time: those of a process of the runner that loads"
        f" {report['program']} ({_megabytes(report['program_bytes'])}) and runs it twice on one"
        f" thread, medians of {report['runs']}. LiteRT and ONNX Runtime: the library in their"
        f" Python wheels{_peers_cost(report)}. Load average {report['load']:.1f}."
        f" {name_machine(report)}."
    )
    return markdown_table(header, rows, note)


def android_table(report: dict) -> str:
    """Return one row per processor of Android: the size of the only library that an app ships."""
    if not report.get("android"):
        return "Not measured yet."
    rows = [(f"`{row['abi']}`", f"{row['bytes'] / 1e3:.0f} kB") for row in report["android"]]
    note = "Without symbols, linked by zig with the C library musl instead of Android's."
    return markdown_table(("processor", "`libhvit_edge_jni.so`"), rows, note)


def environments_table(report: dict) -> str:
    """Return one row per way to install: packages and size, without pip."""
    if not report["environments"]:
        return "Not measured yet."
    rows = [
        (f"`pip install '{row['install']}'`", str(row["packages"]), f"{row['bytes'] / 1e6:.0f} MB")
        for row in report["environments"]
    ]
    return markdown_table(("command", "packages", "size"), rows, f"{name_machine(report)}.")
