"""Provides graphs and inputs for the tests of quantization."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.quantize import Calibration


def smooth_image(rng: np.random.Generator, size: int = 24) -> np.ndarray:
    """A random field of a few blobs, uint8 RGB: neighbours resemble each other as in photos."""
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 4, 4)))
    field = nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    return field.clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0).numpy()


@pytest.fixture
def smooth_images():
    rng = np.random.default_rng(0)
    return lambda count, size=24: [smooth_image(rng, size) for _ in range(count)]


@pytest.fixture
def graph_of():
    """`(module, example) -> rewritten graph`."""

    def build(module: nn.Module, example: torch.Tensor):
        graph = export_graph(module.eval(), (example,))
        rewrite(graph)
        return graph

    return build


@pytest.fixture
def calibrate():
    """`(preprocess, images) -> Calibration`."""
    return lambda preprocess, images: Calibration(tuple(preprocess(image) for image in images))


@pytest.fixture(scope="session")
def bundled():
    return hvit_edge.create_model("mobilevit_xxs", weights="cifar10")


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)
