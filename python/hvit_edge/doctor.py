"""Check if this machine is ready for hvit-edge, and say how to fix it if not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import hvit_edge

EXECUTORCH = "1.5.1"
TORCH = "2.13.0"
OLDEST_PYTHON = (3, 10)
OLDEST_CMAKE = (3, 28)
BACKENDS = {"full": ("XnnpackBackend", "HvitEdgeBackend"), "small": ("HvitEdgeBackend",)}
QEMU = "qemu-aarch64"
CROSS_COMPILER = "aarch64-linux-gnu-g++"
REINSTALL = "pip install --force-reinstall --no-deps hvit-edge"
INSTRUCTION_SET = "HVIT_EDGE_ISA"
PROBE = """
import json
from hvit_edge import runtime
from hvit_edge.runtime.binding import BINDING, cpp
print(json.dumps({
    "version": cpp.version(),
    "kind": BINDING.kind,
    "reason": BINDING.reason,
    "backends": cpp.registered_backends(),
    "cpu_features": cpp.cpu_features(),
    "instruction_set": cpp.instruction_set(),
    "auto_threads": cpp.auto_threads(),
}))
"""


@dataclass(frozen=True)
class Check:
    """Holds the result of one check.

    Attributes:
        name: name of the check.
        state: "failed" if hvit-edge cannot run, "warning" if a part of it cannot, else "ok".
        found: what was found.
        mend: how to fix it; empty if the state is "ok".
    """

    name: str
    state: Literal["ok", "warning", "failed"]
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Report:
    """Holds all checks; it is `healthy` unless a required one failed."""

    checks: list[Check]

    @property
    def healthy(self) -> bool:
        return all(check.state != "failed" for check in self.checks)

    def to_dict(self) -> dict:
        return {"healthy": self.healthy, "checks": [asdict(check) for check in self.checks]}


@dataclass(frozen=True)
class Native:
    """Holds the facts that the C++ runtime reports about itself and the CPU.

    Attributes:
        version: version of hvit-edge that the runtime was built from.
        kind: "full", or "small" without ExecuTorch.
        reason: why it is this one.
        backends: names of its backends.
        cpu_features: instruction sets that matter for speed.
        instruction_set: the one that native programs run with.
        auto_threads: number of threads by default.
    """

    version: str
    kind: Literal["full", "small"]
    reason: str
    backends: list[str]
    cpu_features: list[str]
    instruction_set: str
    auto_threads: int


def examine() -> Report:
    """Run all checks of this machine. Imports no torch."""
    native, reason = probe_runtime()
    return Report(
        [
            check_python(),
            Check("hvit-edge", "ok", hvit_edge.__version__),
            check_executorch(version_of("executorch")),
            check_copies(copies_of("executorch")),
            check_numpy(version_of("numpy")),
            check_torch(version_of("torch")),
            *check_runtime(native, reason),
            check_cpu(platform.machine(), native),
            check_compiler(shutil.which(os.environ.get("CXX", "c++"))),
            check_cmake(cmake_version()),
            check_qemu(shutil.which(QEMU)),
            check_cross_compiler(shutil.which(CROSS_COMPILER)),
        ]
    )


def version_of(package: str) -> str | None:
    """Return the installed version of a package without importing it, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Check the version of Python."""
    found = ".".join(str(part) for part in version)
    if tuple(version[:2]) < OLDEST_PYTHON:
        return Check("python", "failed", found, "use Python 3.10 or newer")
    return Check("python", "ok", f"{found}, {sys.executable}")


def check_executorch(version: str | None) -> Check:
    """Check that ExecuTorch has the version for which the full runtime is built."""
    remedy = "pip install 'hvit-edge[executorch]'"
    if version is None:
        found = "not installed: artifacts for native run; those for xnnpack do not"
        return Check("executorch", "warning", found, remedy)
    if version.split("+")[0] != EXECUTORCH:
        found = f"{version}, built against {EXECUTORCH}: artifacts for xnnpack do not run"
        return Check("executorch", "warning", found, remedy)
    return Check("executorch", "ok", version)


def copies_of(package: str) -> list[str]:
    """Return every folder of `package` on Python's path, with links resolved."""
    found = (Path(entry or ".") / package for entry in sys.path)
    return list(dict.fromkeys(str(path.resolve()) for path in found if path.is_dir()))


def check_copies(folders: list[str]) -> Check:
    """Check that there is one copy of ExecuTorch.

    Two copies have two operator registries, so backends are missing, or loading aborts.
    """
    if len(folders) > 1:
        return Check(
            "executorch copies",
            "failed",
            "\n".join(folders),
            "keep one: remove the others from PYTHONPATH, or uninstall them",
        )
    return Check("executorch copies", "ok", folders[0] if folders else "none")


def check_numpy(version: str | None) -> Check:
    """Check numpy, which holds images and logits."""
    if version is None:
        return Check("numpy", "failed", "not installed", "pip install numpy")
    return Check("numpy", "ok", version)


def check_torch(version: str | None) -> Check:
    """Check torch, which only compile and validate need."""
    remedy = "pip install 'hvit-edge[compile]'"
    if version is None:
        found = "not installed: run, eval, bench and inspect work; compile and validate do not"
        return Check("torch", "warning", found, remedy)
    if version.split("+")[0] != TORCH:
        return Check("torch", "warning", f"{version}, tested with {TORCH}", remedy)
    return Check("torch", "ok", version)


def probe_runtime() -> tuple[Native | None, str]:
    """Return the facts of the C++ runtime, or None and the reason; a new process may crash."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return Native(**json.loads(done.stdout.strip().splitlines()[-1])), ""
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return None, f"{last} (status {done.returncode})"


def check_runtime(native: Native | None, reason: str) -> list[Check]:
    """Check that the C++ runtime loads, has the version of the package, and has all backends."""
    if native is None:
        remedy = REINSTALL if INSTRUCTION_SET not in reason else f"unset {INSTRUCTION_SET}"
        return [Check("C++ runtime", "failed", f"does not load: {reason}", remedy)]
    if native.version != hvit_edge.__version__:
        loaded = Check("C++ runtime", "failed", f"of hvit-edge {native.version}", REINSTALL)
    else:
        loaded = Check("C++ runtime", "ok", f"the {native.kind} one: {native.reason}")
    found = ", ".join(native.backends) or "none"
    missing = [name for name in BACKENDS[native.kind] if name not in native.backends]
    if missing:
        lacking = f"{found}; no {' and no '.join(missing)}"
        return [loaded, Check("backends", "failed", lacking, REINSTALL)]
    return [loaded, Check("backends", "ok", found)]


def check_cpu(machine: str, native: Native | None) -> Check:
    """Check the CPU features that XNNPACK's kernels use."""
    if machine.lower() not in ("x86_64", "amd64", "aarch64", "arm64"):
        remedy = "ExecuTorch has wheels for x86_64 and aarch64"
        return Check("cpu", "warning", machine, remedy)
    if native is None:
        return Check("cpu", "ok", machine)
    features = " ".join(native.cpu_features)
    found = (
        f"{machine}, {native.auto_threads} threads, {features};"
        f" native programs run with {native.instruction_set}"
    )
    if machine.lower() in ("x86_64", "amd64") and not {"avx2", "fma"} <= set(native.cpu_features):
        remedy = "expect slow runs here: use a CPU with AVX2 and FMA"
        return Check("cpu", "warning", found, remedy)
    return Check("cpu", "ok", found)


def check_compiler(compiler: str | None) -> Check:
    """Check for a C++ compiler, which builds from source need."""
    return _check_tool("C++ compiler", compiler, "to build from source: apt install g++")


def cmake_version() -> str | None:
    """Return the version of cmake next to Python or on PATH, or None."""
    cmake = shutil.which("cmake", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    cmake = cmake or shutil.which("cmake")
    if cmake is None:
        return None
    done = subprocess.run([cmake, "--version"], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    return words[2] if done.returncode == 0 and len(words) > 2 else None


def check_cmake(version: str | None) -> Check:
    """Check for a recent CMake, which builds from source need."""
    remedy = "to build from source: pip install 'cmake>=3.28'"
    if version is None:
        return Check("cmake", "warning", "none", remedy)
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers < OLDEST_CMAKE:
        return Check("cmake", "warning", f"{version}, older than 3.28", remedy)
    return Check("cmake", "ok", version)


def check_qemu(program: str | None) -> Check:
    """Check for user-mode QEMU, which `--device qemu:CPU` needs."""
    return _check_tool("QEMU", program, "for --device qemu:CPU: apt install qemu-user")


def check_cross_compiler(program: str | None) -> Check:
    """Check for the cross compiler of `make arm`, whose runner needs its C library in QEMU."""
    remedy = "to run xnnpack programs on --device qemu:CPU: apt install g++-aarch64-linux-gnu"
    return _check_tool("Arm cross compiler", program, remedy)


def _check_tool(name: str, path: str | None, remedy: str) -> Check:
    """Return the check of an optional program with the path at which it was found."""
    if path is None:
        return Check(name, "warning", "none", remedy)
    return Check(name, "ok", path)
