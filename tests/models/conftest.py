"""Fixtures of the model tests."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

GOLDENS = Path(__file__).parent.parent / "goldens"


def golden_array(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the weights of the golden files, by the rule in tests/goldens/README.md."""
    generator = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("running_var"):
        return np.float32(0.5) + generator.random(shape, dtype=np.float32)
    normal = generator.standard_normal(shape, dtype=np.float32)
    if key.endswith("running_mean"):
        return np.float32(0.1) * normal
    if len(shape) >= 2:
        return normal / np.float32(np.sqrt(np.prod(shape[1:])))
    if key.endswith("weight"):
        return np.float32(1) + np.float32(0.1) * normal
    return np.float32(0.02) * normal


@dataclass(frozen=True)
class Golden:
    """One pinned published implementation."""

    name: str
    model: str
    source: str
    keys: dict[str, list[int]]
    input_size: tuple[int, int]
    outputs: list[np.ndarray]

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The deterministic weights, by published key."""
        arrays = {key: golden_array(key, tuple(shape)) for key, shape in self.keys.items()}
        return {key: torch.from_numpy(array) for key, array in arrays.items()}

    def input(self) -> torch.Tensor:
        """float32 [1, 3, H, W]."""
        generator = np.random.default_rng(zlib.crc32(b"input"))
        return torch.from_numpy(generator.random((1, 3, *self.input_size), dtype=np.float32))


def read_golden(path: Path) -> Golden:
    """Read one file of tests/goldens."""
    content = json.loads(gzip.decompress(path.read_bytes()))
    return Golden(
        name=path.name.removesuffix(".json.gz"),
        model=content["model"],
        source=content["source"],
        keys=content["keys"],
        input_size=tuple(content["input_shape"][2:]),
        outputs=[np.array(head, np.float32) for head in content["outputs"]],
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the argument `golden` once for each file."""
    if "golden" in metafunc.fixturenames:
        goldens = [read_golden(path) for path in sorted(GOLDENS.glob("*.json.gz"))]
        metafunc.parametrize("golden", goldens, ids=lambda golden: golden.name)


@pytest.fixture(autouse=True)
def _one_thread_without_gradients():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a pool that waits for busy cores is many times slower than this
    with torch.no_grad():
        yield
    torch.set_num_threads(threads)
