"""Run an artifact of arrays for the verb `run`, and show its outputs by name."""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from hvit_edge.artifact.kinds import is_package
from hvit_edge.cli import text
from hvit_edge.cli.console import Console
from hvit_edge.errors import ParityError

SHOWN = 8
"""Number of values up to which an output is printed; a larger one is summarized."""
LISTED = 10_000
"""Number of values up to which JSON has all of an output."""


def run_arrays(args: argparse.Namespace, console: Console) -> int:
    """Run the samples of `--input` and the self test, and print or write the outputs."""
    with console.quiet():
        from hvit_edge.artifact.container import check_output, write_atomically
        from hvit_edge.tensors.open_session import open_session
        from hvit_edge.tensors.sample_file import read_samples

        if args.output is not None:
            check_output(args.output, force=args.force)
        session = open_session(args.artifact, threads=args.threads, device=args.device)
        samples = []
        if args.input is not None:
            names = [spec.name for spec in session.inputs]
            like = [np.zeros(spec.shape, spec.dtype) for spec in session.inputs]
            samples = read_samples(args.input, names, like, "run")
        self_test = session.self_test() if args.self_test else None
        results = _run_all(session, samples)
        if args.output is not None:
            data = _npz([spec.name for spec in session.outputs], results)
            write_atomically(args.output, data, force=args.force)
    if args.format == "json":
        console.json(_to_dict(args, session, results, self_test))
    else:
        if is_package(args.artifact) or args.device != "local":
            console.print(f"backend: {session.backend}")
        if self_test:
            console.print(describe_self_test(self_test, classes=False))
        for index, row in enumerate(results):
            console.print(_describe(index, session.outputs, row))
        if args.output is not None:
            console.print(f"outputs: {args.output}")
    return ParityError.exit_code if self_test and not self_test.passed else 0


def describe_self_test(result, *, classes: bool = True) -> str:
    """Return the result of a self test as a line; `classes` adds whether the top class agrees."""
    top1 = f", top-1 {'agrees' if result.top1_agree else 'differs'}" if classes else ""
    return (
        f"self test {'passed' if result.passed else 'FAILED'}: max abs {result.max_abs:.2e},"
        f" max rel {result.max_rel:.2e}{top1}"
    )


def _run_all(session, samples: Sequence) -> list[tuple[np.ndarray, ...]]:
    if hasattr(session, "run_all"):  # a device gets all samples at once
        return session.run_all(samples) if samples else []
    return [tuple(session(*arrays)) for arrays in samples]


def _npz(names: Sequence[str], results: Sequence[Sequence[np.ndarray]]) -> bytes:
    """Return an NPZ file with each output; several samples are stacked along a leading axis."""
    columns = zip(names, zip(*results, strict=True), strict=True)
    arrays = {name: np.stack(c) if len(c) > 1 else c[0] for name, c in columns}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # numpy.savez takes no array named `file`
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()


def _to_dict(args: argparse.Namespace, session, results: list, self_test) -> dict:
    report = {
        "artifact": args.artifact,
        "model": session.metadata.model_name,
        "backend": getattr(session, "backend", "C++ runtime"),
        "results": [
            {
                "sample": index,
                "outputs": {
                    spec.name: _output(array)
                    for spec, array in zip(session.outputs, row, strict=True)
                },
            }
            for index, row in enumerate(results)
        ],
    }
    if self_test:
        report["self_test"] = asdict(self_test)
    return report


def _output(array: np.ndarray) -> dict:
    """Return an output for JSON; `values` is None if it has more than `LISTED`."""
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "values": array.tolist() if array.size <= LISTED else None,
    }


def _describe(index: int, specs: Sequence, row: Sequence[np.ndarray]) -> str:
    pairs = zip(specs, row, strict=True)
    rows = [
        (spec.name, f"{spec.dtype} {list(spec.shape)}", _values(array)) for spec, array in pairs
    ]
    return text.table((f"sample {index}", "", ""), rows, left=(0, 1, 2))


def _values(array: np.ndarray) -> str:
    if array.size <= SHOWN:
        numbers = array.reshape(-1).tolist()
        return " ".join(f"{n:.6g}" if array.dtype.kind == "f" else str(n) for n in numbers)
    if array.dtype == bool:
        return f"{int(array.sum())} of {array.size} are True"
    return f"from {array.min():.6g} to {array.max():.6g}, mean {array.mean():.6g}"
