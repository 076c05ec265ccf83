"""Measure load time, latency and memory of an artifact in a new process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from hvit_edge import errors
from hvit_edge.artifact.kinds import is_package
from hvit_edge.devices import LOCAL, Runner, open_device
from hvit_edge.errors import ArtifactError, HvitEdgeError, InputError
from hvit_edge.profile.instructions import Instructions, check_countable, instructions_of
from hvit_edge.profile.peak_memory import peak_memory_bytes
from hvit_edge.progress import Count, uncounted

FEWEST_FOR_DRIFT = 8
MINUTE = 60.0
WORKER = "import sys; from hvit_edge.profile.bench import _worker; sys.exit(_worker(sys.argv[1:]))"


@dataclass(frozen=True)
class BenchReport:
    """Holds the results of `bench`.

    Attributes:
        artifact: path of the artifact.
        iterations, warmup: number of timed runs, and of runs before them.
        threads: number of threads that ran, also if the runtime chose it.
        load_ms: time to read, check and prepare the artifact in a new process.
        first_run_ms: time of the first inference after loading.
        latency_ms: avg, p50, p90, p95, p99, min, max and std over the timed runs.
        peak_memory_mib: peak memory of the process, including the interpreter and numpy; on a
            device, of the C++ runner only.
        device: where it ran.
        instruction_set: the one that a program for the target native ran with; else empty.
        instructions: instructions of one inference on one thread in QEMU; None if not requested.
        drift: median of the last timed runs divided by that of the first ones: those of the first
            and last minute, or a quarter of the runs each if they took less than four minutes.
            None for less than eight runs.
    """

    artifact: str
    iterations: int
    warmup: int
    threads: int
    load_ms: float
    first_run_ms: float
    latency_ms: dict[str, float]
    peak_memory_mib: float
    device: str = LOCAL
    instruction_set: str = ""
    instructions: Instructions | None = None
    drift: float | None = None

    def to_dict(self) -> dict:
        counted = self.instructions
        return {**asdict(self), "instructions": None if counted is None else counted.to_dict()}


def bench(
    path: str | Path,
    *,
    iterations: int = 100,
    warmup: int = 10,
    threads: int = 0,
    device: str = LOCAL,
    count_instructions: bool = False,
    progress: Count = uncounted,
    method: str = "",
) -> BenchReport:
    """Measure an artifact in a new process, so that what this process has loaded does not count.

    Args:
        path: a `.pte` written by hvit-edge.
        iterations: number of timed runs.
        warmup: number of runs between the first one and the timed ones.
        threads: number of threads; 0 lets the runtime choose.
        device: see `devices.open_device`.
        count_instructions: also count the instructions of one inference; only in QEMU.
        progress: called after every run on another device.
        method: the method to run, see `runtime.Session`; only on this machine.

    Returns:
        The report.

    Raises:
        ArtifactError: the artifact cannot be used, or the process crashed.
        InputError: iterations are below 1, or warmup or threads below 0; the artifact is a package,
            which is timed on the device; or instructions are requested outside QEMU.
        DeviceError: the device cannot be reached, or was lost.
    """
    check_program(path)
    check_counts(iterations, warmup, threads)
    if count_instructions:
        check_countable(device)
    if method and device != LOCAL:
        raise InputError(
            f"[bench] --method (method=): expected none for {device}, which runs the first method;"
            " measure another one on this machine"
        )
    if device != LOCAL:
        runner = Runner(open_device(device))
        runs = {"iterations": iterations, "warmup": warmup}
        answer = runner.bench(Path(path), **runs, threads=threads, progress=progress)
        counted = instructions_of(Path(path), device, progress) if count_instructions else None
        return replace(report_of(path, answer, **runs), device=device, instructions=counted)
    answer = measure(path, iterations, warmup, threads, method)
    return report_of(path, answer, iterations, warmup)


def measure(path: str | Path, iterations: int, warmup: int, threads: int, method: str) -> dict:
    """Return the measurements of `bench` in a new process on this machine, in seconds and bytes.

    Raises:
        ArtifactError: the artifact cannot be used, or the process crashed.
    """
    numbers = map(str, (iterations, warmup, threads))
    command = [sys.executable, "-c", WORKER, str(path), *numbers, method]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = _answer(done.stdout)
    if "error" in answer:
        kind = getattr(errors, answer["error"]["type"], HvitEdgeError)
        raise kind(answer["error"]["message"])
    if done.returncode != 0 or "seconds" not in answer:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ArtifactError(
            f"[bench] {path}: expected the measuring process to finish, got exit status"
            f" {done.returncode} ({last}); run hvit-edge doctor"
        )
    return answer


def report_of(path: str | Path, answer: dict, iterations: int, warmup: int) -> BenchReport:
    """Return the report of an answer of `measure`, or of a device."""
    return BenchReport(
        artifact=str(path),
        iterations=iterations,
        warmup=warmup,
        threads=answer["threads"],
        load_ms=1e3 * answer["load_seconds"],
        first_run_ms=1e3 * answer["first_run_seconds"],
        latency_ms=summarise(1e3 * np.asarray(answer["seconds"])),
        peak_memory_mib=answer["peak_bytes"] / 2**20,
        drift=drift_of(np.asarray(answer["seconds"])),
        instruction_set=answer.get("instruction_set", ""),
    )


def drift_of(seconds: np.ndarray) -> float | None:
    """Return how many times longer the last runs took than the first ones, see `BenchReport`."""
    if len(seconds) < FEWEST_FOR_DRIFT:
        return None
    ends = np.cumsum(seconds)
    part = len(seconds) // 4
    if ends[-1] >= 4 * MINUTE:
        part = int(min((ends <= MINUTE).sum(), (ends > ends[-1] - MINUTE).sum()))
    return float(np.median(seconds[-part:]) / np.median(seconds[:part]))


def summarise(samples: np.ndarray) -> dict[str, float]:
    """Return avg, p50, p90, p95, p99, min, max and (population) std of the samples."""
    percentiles = {f"p{q}": float(np.percentile(samples, q)) for q in (50, 90, 95, 99)}
    return {
        "avg": float(np.mean(samples)),
        **percentiles,
        "min": float(np.min(samples)),
        "max": float(np.max(samples)),
        "std": float(np.std(samples)),
    }


def check_program(path: str | Path) -> None:
    """Raise InputError for a package."""
    if is_package(path):
        raise InputError(
            f"[bench] expected a .pte file, got the package {path}; packages are timed on the"
            " device: open it in Xcode and make a performance report, or time it with coremltools"
            " on a Mac"
        )


def check_counts(iterations: int, warmup: int, threads: int) -> None:
    """Raise InputError if a number is too small."""
    _check("iterations", iterations, least=1)
    _check("warmup", warmup, least=0)
    _check("threads", threads, least=0)


def _check(name: str, value: int, *, least: int) -> None:
    if value < least:
        raise InputError(f"[bench] {name}: expected at least {least}, got {value}")


def _answer(stdout: str) -> dict:
    """Return the answer of the worker: the last line, after any output of libraries."""
    try:
        answer = json.loads((stdout.strip().splitlines() or [""])[-1])
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _worker(arguments: list[str]) -> int:
    """Measure in the process that `bench` starts, and print one line of JSON."""
    path, *numbers, method = arguments
    try:
        print(json.dumps(_measure(path, *map(int, numbers), method)))
    except HvitEdgeError as error:
        print(json.dumps({"error": {"type": type(error).__name__, "message": str(error)}}))
        return error.exit_code
    return 0


def _measure(path: str, iterations: int, warmup: int, threads: int, method: str) -> dict:
    from hvit_edge.profile.random_arrays import random_arrays
    from hvit_edge.runtime import Session
    from hvit_edge.runtime.binding import cpp

    start = time.perf_counter()
    session = Session(path, threads=threads, method=method)
    load_seconds = time.perf_counter() - start
    inputs = random_arrays(session)
    seconds = []
    for _ in range(1 + warmup + iterations):
        start = time.perf_counter()
        session(*inputs)
        seconds.append(time.perf_counter() - start)
    return {
        "threads": cpp.threads(),
        "instruction_set": cpp.instruction_set() if session.metadata.target == "native" else "",
        "load_seconds": load_seconds,
        "first_run_seconds": seconds[0],
        "seconds": seconds[1 + warmup :],
        "peak_bytes": peak_memory_bytes(),
    }
