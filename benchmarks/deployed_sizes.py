"""Measure what an app and a Python environment ship, and write results/deployed_sizes.json.

    cmake -S . -B build/kernels_all -G Ninja -DHVIT_EDGE_KERNELS=all    # and build it
    python benchmarks/deployed_sizes.py

Three runtimes are compared: the full one with ExecuTorch's kernels linked (build/kernels_all), the
full one that loads them on demand (build/native), and the small one (build/small).
Each runs the same program for the native target, which has nothing outside its delegate, in one
process per run: peak memory and processor time are those of the complete process. `make wheel`
builds the small environment, and this script installs the others.

`--android` measures the libraries of `make android-link` alone, and keeps the rest of the report.

`--peers FOLDER` also runs LiteRT and ONNX Runtime once, in processes of the Python of `make
arm-peers`. The folder has their models, which benchmarks/arm_peers.py writes, and an input,
"NAME input.npz". What the same Python takes without them is subtracted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from measure.machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results/deployed_sizes.json"
C_LIBRARY = "cpp/capi/libhvit_edge_c.so.1"
JNI_LIBRARY = "libhvit_edge_jni.so"
ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
RUNNER = "cpp/runner/hvit_edge_runner"
LINKED = ("libexecutorch.so", "libexecutorch_backend_xnnpack.so", "libexecutorch_threadpool.so")
KERNELS = "libexecutorch_kernels_optimized.so"
RUNTIMES = {
    "full, kernels linked": ("kernels_all", (*LINKED, KERNELS)),
    "full, kernels on demand": ("native", LINKED),
    "small": ("small", ()),
}
PEERS = {
    "LiteRT": ("ai-edge-litert==2.3.0", "ai_edge_litert/libLiteRt.so"),
    "ONNX Runtime": ("onnxruntime==1.31.1", "onnxruntime/capi/libonnxruntime.so"),
}
PEER_MODELS = {
    "LiteRT": "mobilevit_xxs litert fp32.tflite",
    "ONNX Runtime": "mobilevit_xxs onnxruntime fp32.onnx",
}
PEER_INPUT = "mobilevit_xxs input.npz"
GUEST = ROOT / "benchmarks/peers/guest.py"
RUN_AND_REPORT = """
import json, pathlib, runpy, sys
import numpy
if sys.argv[1:]:
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
status = pathlib.Path("/proc/self/status").read_text()
(line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
print(json.dumps({"peak_bytes": 1024 * int(line.split()[1])}))
"""
"""Runs a program of Python, or none, and prints the peak memory of the process. What `wait4` says
is not less than the memory of its parent."""
RUNS = 21
PEER_RUNS = 11


def main() -> None:
    """Measure everything and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, help="default: the bundled mobilevit_xxs, native")
    parser.add_argument("--builds", type=Path, default=ROOT / "build", help="folder of the trees")
    parser.add_argument("--android", action="store_true", help="only measure Android's libraries")
    parser.add_argument("--environments", action="store_true", help="also install environments")
    parser.add_argument("--peers", type=Path, help="folder of the peers' models")
    parser.add_argument(
        "--peer-python", type=Path, default=ROOT / "build/arm-peers/venv/bin/python"
    )
    args = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if args.android:
        RESULTS.write_text(json.dumps(kept | measure_android(args.builds), indent=1) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        program = args.program or compile_bundled(scratch)
        rows = [measure(name, args.builds, program, scratch) for name in RUNTIMES]
        program_bytes = program.stat().st_size
        peers = [{"runtime": name, "bytes": peer_bytes(name, scratch)} for name in PEERS]
        if args.peers:
            for row in peers:
                row |= measure_peer(row["runtime"], args.peers, args.peer_python, scratch)
        environments = (
            measure_environments(scratch) if args.environments else kept.get("environments", [])
        )
    report = {
        "machine": describe_machine(("hvit-edge", "executorch")),
        "load": os.getloadavg()[0],
        "program": program.name,
        "program_bytes": program_bytes,
        "runs": RUNS,
        "peer_runs": PEER_RUNS,
        "rows": rows,
        "peers": peers,
        "environments": environments,
        "android": kept.get("android", []),
    }
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def compile_bundled(folder: Path) -> Path:
    """Return the bundled network, compiled for the native target."""
    path = folder / "mobilevit_xxs-native-fp32.pte"
    command = [sys.executable, "-m", "hvit_edge.cli", "compile", "mobilevit_xxs"]
    subprocess.run([*command, "--weights", "cifar10", "--target", "native", "-o", path], check=True)
    return path


def measure_android(builds: Path) -> dict:
    """Return the size of Android's library for each ABI, which is linked without symbols."""
    files = [(abi, builds / "android" / abi / JNI_LIBRARY) for abi in ABIS]
    rows = [{"abi": abi, "bytes": file.stat().st_size} for abi, file in files if file.is_file()]
    if not rows:
        raise SystemExit(
            f"[deployed_sizes] expected {JNI_LIBRARY} for one of {', '.join(ABIS)} in"
            f" {builds / 'android'}, found none; make android-link"
        )
    return {"android": rows}


def executorch_libraries() -> Path:
    """Return the folder of ExecuTorch's libraries in its wheel."""
    (folder,) = importlib.util.find_spec("executorch").submodule_search_locations
    return Path(folder, "lib")


def stripped_bytes(file: Path, scratch: Path) -> int:
    """Return the size of a library without symbols, as apps ship it."""
    copy = scratch / "stripped"
    shutil.copyfile(file, copy)
    subprocess.run(["strip", "--strip-unneeded", copy], check=True)
    return copy.stat().st_size


def measure(name: str, builds: Path, program: Path, scratch: Path) -> dict:
    """Return the sizes of one runtime, and the cost of one process that runs a program twice."""
    tree, libraries = RUNTIMES[name]
    build = builds / tree
    shipped = [executorch_libraries() / library for library in libraries]
    executorch = sum(stripped_bytes(file, scratch) for file in shipped)
    runner = build / RUNNER
    once = ["--iterations", "1", "--warmup", "0", "--threads", "1"]
    runs = [run_once([runner, "bench", program, *once]) for _ in range(RUNS)]
    return {
        "runtime": name,
        "executorch_bytes": executorch,
        "c_library_bytes": stripped_bytes(build / C_LIBRARY, scratch),
        "runner_bytes": stripped_bytes(runner, scratch),
        "peak_bytes": statistics.median(run["peak_bytes"] for run in runs),
        "cpu_seconds": statistics.median(run["cpu_seconds"] for run in runs),
    }


def run_once(command: Sequence[str | Path]) -> dict:
    """Run a process that reports its peak memory; return that, and its processor time."""
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    report = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"[deployed_sizes] {command[0]} failed with {process.returncode}")
    return {
        "peak_bytes": json.loads(report)["peak_bytes"],
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }


def measure_peer(name: str, models: Path, python: Path, scratch: Path) -> dict:
    """Return the cost of one answer of a peer in Python, beyond that of the same Python alone."""
    alone = [python, "-c", RUN_AND_REPORT]
    answer = [GUEST, models / PEER_MODELS[name], models / PEER_INPUT, scratch / "out.npy"]
    runs = [(run_once([*alone, *answer]), run_once(alone)) for _ in range(PEER_RUNS)]
    return {
        key: statistics.median(one[key] - other[key] for one, other in runs)
        for key in ("peak_bytes", "cpu_seconds")
    }


def peer_bytes(name: str, scratch: Path) -> int:
    """Return the size of a peer's library in its wheel, without symbols."""
    requirement, member = PEERS[name]
    folder = scratch / name.replace(" ", "")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder]
    subprocess.run([*command, "--only-binary=:all:", requirement], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (found,) = [each for each in archive.namelist() if each.startswith(member)]
        return stripped_bytes(Path(archive.extract(found, folder)), scratch)


def measure_environments(scratch: Path) -> list[dict]:
    """Install the wheel of `make wheel` without and with ExecuTorch, and measure both."""
    (wheel,) = (ROOT / "build/wheel/dist").glob("*.whl")
    rows = []
    for extra in ("", "[executorch]"):
        folder = scratch / f"environment{len(rows)}"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip"]
        constraints = ["-c", ROOT / "constraints.txt"]
        subprocess.run([*pip, "install", "-q", *constraints, f"{wheel}{extra}"], check=True)
        (site,) = folder.glob("lib/python3*/site-packages")
        shutil.rmtree(site / "pip")
        packages = {path.name.split("-")[0] for path in site.glob("*.dist-info")}
        rows.append(
            {
                "install": f"hvit-edge{extra}",
                "packages": len(packages - {"pip", "setuptools"}),
                "bytes": sum(x.stat().st_size for x in site.rglob("*") if x.is_file()),
            }
        )
        shutil.rmtree(folder)
    return rows


if __name__ == "__main__":
    main()
