"""Rescaled weights, the same function: stock int8 collapses on them, ours does not notice.

The bundled classifier on windows of the bundled photos. The labels to agree with are those of
eager float; windows between two classes are left out, where rounding decides whatever the weights.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx import GraphModule

from hvit_edge.preprocess import load_image
from hvit_edge.quantize import Calibration, centred_sqnr, precision, quantize
from hvit_edge.weights import bundled_photos

from .rescale import rescale

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CALIBRATED, MEASURED = 48, 224
MARGIN = 0.1  # of a logit between the first and the second class; their deviation is 1.3
TOLERANCE = 0.003  # of agreement, between our int8 of the model and of the rescaled one
SQNR_TOLERANCE = 1.0  # decibel, between the same two
COLLAPSED, HEALTHY = 0.5, 0.85  # agreement; the most frequent class alone has 0.28


def load_script(name: str):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stock_quantized = load_script("measure/stock_quantizer").stock_quantized


def windows(preprocess, count: int, seed: int) -> list[np.ndarray]:
    """Squares of 48 pixels to the whole height, cut from the bundled photos in turn."""
    rng = np.random.default_rng(seed)
    photos = [load_image(path) for path in bundled_photos()]
    cut = []
    for index in range(count):
        photo = photos[index % len(photos)]
        side = int(rng.integers(48, min(photo.shape[:2]) + 1))
        top, left = (int(rng.integers(length - side + 1)) for length in photo.shape[:2])
        cut.append(preprocess(np.ascontiguousarray(photo[top : top + side, left : left + side])))
    return cut


def logits(module: nn.Module, images: list[np.ndarray]) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate([module(torch.from_numpy(image)).numpy() for image in images])


@dataclass(frozen=True)
class Subject:
    """The model, the same function with other weights, and what both are measured on."""

    model: nn.Module
    rescaled: nn.Module
    calibration: Calibration
    images: list[np.ndarray]
    expected: np.ndarray

    @property
    def half(self) -> Subject:
        """Every second image: enough to see a collapse."""
        return replace(self, images=self.images[::2], expected=self.expected[::2])

    @property
    def example(self) -> tuple[torch.Tensor, ...]:
        return (torch.from_numpy(self.images[0]),)

    def agreement(self, actual: np.ndarray) -> float:
        return float((actual.argmax(1) == self.expected.argmax(1)).mean())


@pytest.fixture(scope="module")
def subject(bundled) -> Subject:
    preprocess = bundled.hvit_edge.preprocess
    images = windows(preprocess, MEASURED, seed=1)
    expected = logits(bundled, images)
    second, first = np.sort(expected, 1)[:, -2:].T
    decided = np.flatnonzero(first - second >= MARGIN)
    calibration = Calibration(tuple(windows(preprocess, CALIBRATED, seed=0)))
    kept = [images[index] for index in decided]
    return Subject(bundled, rescale(bundled), calibration, kept, expected[decided])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The operators are too small to share, and other tests may want the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def our_int8(subject: Subject, graph: GraphModule) -> np.ndarray:
    """Logits of a rewritten graph in int8 by this project."""
    calibration = subject.calibration
    quantized = quantize(graph, subject.example, precision="int8", calibration=calibration)
    return logits(quantized, subject.images)


@pytest.mark.slow
def test_rescaled_model_is_the_same_function(subject):
    assert len(subject.images) >= 200
    assert subject.agreement(logits(subject.rescaled, subject.images)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_stock_int8_collapses(kind, subject, record_property):
    subject, agreement = subject.half, []
    inputs = [(torch.from_numpy(image),) for image in subject.calibration.inputs]
    for model in (subject.model, subject.rescaled):
        stock = stock_quantized(model, subject.example, inputs, dynamic=kind == "dynamic")
        agreement.append(subject.agreement(logits(stock, subject.images)))
    before, after = agreement
    record_property(
        "measured", f"stock int8, {kind}: agrees with float {before:.3f}, rescaled {after:.3f}"
    )
    assert before > HEALTHY
    assert after < COLLAPSED


@pytest.mark.slow
def test_our_int8_does_not_notice(subject, graph_of, record_property):
    graphs = [graph_of(model, subject.example[0]) for model in (subject.model, subject.rescaled)]
    results = [our_int8(subject, graph) for graph in graphs]
    before, after = (subject.agreement(result) for result in results)
    noise = [centred_sqnr(subject.expected, result) for result in results]
    record_property(
        "measured",
        f"our int8: agrees with float {before:.3f}, rescaled {after:.3f};"
        f" {noise[0]:.1f} dB, rescaled {noise[1]:.1f} dB",
    )
    assert before > HEALTHY
    assert abs(before - after) <= TOLERANCE
    assert abs(noise[0] - noise[1]) <= SQNR_TOLERANCE


def test_equalising_is_what_helps(subject, graph_of, monkeypatch, record_property):
    subject = subject.half
    monkeypatch.setattr(precision, "equalize", lambda graph: 0)
    after = subject.agreement(our_int8(subject, graph_of(subject.rescaled, subject.example[0])))
    record_property("measured", f"our int8 without equalising: rescaled {after:.3f}")
    assert after < COLLAPSED
