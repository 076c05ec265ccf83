"""Name the versions that a cached result depends on."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

import hvit_edge

LIBRARIES = ("torch", "torchao", "executorch", "coremltools", "numpy", "timm")
FORMAT = 1
"""Rises when the content of an entry changes its meaning."""


def versions() -> dict[str, str]:
    """Return the versions of the libraries and sources, and what the arithmetic depends on.

    Sums of float32 depend on the vector instructions of the CPU, on the number of threads, and on
    settings of PyTorch.
    """
    settings = (
        torch.backends.mha.get_fastpath_enabled(),
        torch.backends.mkldnn.enabled,
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
    )
    return {
        **_fixed(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "settings": str(settings),
    }


@cache
def _fixed() -> dict[str, str]:
    return {
        "format": str(FORMAT),
        "hvit-edge": hvit_edge.__version__,
        "sources": sources_digest(Path(hvit_edge.__file__).parent),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: _version(name) for name in LIBRARIES},
    }


def sources_digest(folder: Path) -> str:
    """Return the SHA-256 digest of all Python files in a folder and below, with their paths."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
