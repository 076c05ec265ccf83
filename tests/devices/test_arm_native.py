"""The native backend's kernels on aarch64, in user-mode QEMU, against eager PyTorch in float64."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention

import hvit_edge
from hvit_edge import Preprocess
from hvit_edge.devices import Runner, open_device
from hvit_edge.devices.bundle import VARIABLE
from hvit_edge.errors import HvitEdgeError
from hvit_edge.parity import validate
from hvit_edge.precision import INT8
from hvit_edge.profile.instructions import instructions_of

A76, A53 = "qemu:cortex-a76", "qemu:cortex-a53"  # with and without float16 and dot products
MAX = "qemu:max"  # with int8 matrix products too
INPUT = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
# Of the largest output. int8 rounds activations too: 8 bits, over a few layers.
LIMITS = {"fp32": 2e-5, "fp16": 1e-2, "int8": 0.1, "int8 for arm": 0.1, "int8-dynamic for arm": 0.1}


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("arm_build")]


class EveryOperation(nn.Module):
    """Has full and partial vectors, strides, sums and every activation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, 2, 1)
        self.expand = nn.Conv2d(24, 40, 1)
        self.depthwise = nn.Conv2d(40, 40, 3, 1, 1, groups=40)
        self.project = nn.Conv2d(40, 24, 1)
        self.wide = nn.Conv2d(24, 72, 1)
        self.strided = nn.Conv2d(72, 72, 3, 2, 1, groups=72)
        self.narrow = nn.Conv2d(72, 36, 1)
        self.local = nn.Conv2d(36, 44, 3, 1, 1)
        self.norm = nn.LayerNorm(44)
        self.qkv = nn.Linear(44, 3 * 48)
        self.merge = nn.Linear(48, 44)
        self.mlp = nn.Sequential(nn.Linear(44, 130), nn.GELU(), nn.Linear(130, 44))
        self.head = nn.Linear(44 + 36, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [1, 3, 64, 64] -> float32 [1, 7]."""
        silu = nn.functional.silu
        x = silu(self.stem(x))
        x = x + self.project(silu(self.depthwise(silu(self.expand(x)))))
        x = self.narrow(silu(self.strided(silu(self.wide(x)))))
        pooled = nn.functional.max_pool2d(x, 3, 2, 1)
        x = torch.relu(self.local(x) + interpolate(self.local(pooled), scale_factor=2))
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm(tokens)).reshape(1, -1, 3, 2, 24).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, -1, 48)
        tokens = tokens + self.merge(mixed)
        tokens = tokens + self.mlp(self.norm(tokens))
        both = torch.cat([tokens.mean(1), gelu(pooled).mean((2, 3))], 1)
        return self.head(both)


class GeneralOperations(nn.Module):
    """Has the operations of plans of version 2, and their activations."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.squeeze = nn.Conv2d(3, 24, 3, 4, 1), nn.Conv2d(24, 9, 1)
        self.excite, self.norm = nn.Conv2d(9, 24, 1), nn.GroupNorm(3, 24)
        self.dilated = nn.Conv2d(24, 24, 3, 1, 2, dilation=2, groups=24)
        self.groups, self.qk = nn.Conv2d(24, 30, 3, 2, 1, groups=2), nn.Linear(30, 40)
        self.slopes, self.head = nn.PReLU(30), nn.Linear(30, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [1, 3, 64, 64] -> float32 [1, 7]."""
        x = nn.functional.hardswish(self.stem(x))
        gate = torch.sigmoid(self.excite(nn.functional.relu6(self.squeeze(x.mean((2, 3), True)))))
        x = self.norm(x * gate + gelu(self.dilated(x), approximate="tanh"))
        x = self.slopes(self.groups(x)) + x.amax((1, 2, 3), keepdim=True)
        tokens = x.flatten(2).transpose(1, 2)
        q, k = nn.functional.normalize(self.qk(tokens).tanh(), dim=-1).chunk(2, -1)
        mixed = torch.softmax(q @ k.mT * q.exp().sum(-1, keepdim=True), -1) @ tokens
        return self.head(nn.functional.softplus(mixed.std(1)) - nn.functional.elu(mixed[:, 0]))


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return EveryOperation().eval()


@pytest.fixture(scope="module")
def compiled(module, photo_windows, tmp_path_factory):
    """`precision -> path`; each is compiled once."""

    @cache
    def make(precision):
        name, _, cpu = precision.partition(" for ")
        return hvit_edge.compile(
            module,
            target="native",
            precision=name,
            cpu=cpu or None,
            preprocess=Preprocess((64, 64), resize_size=64),
            labels=list("abcdefg"),
            calib_data=photo_windows if name == "int8" else None,
            output=tmp_path_factory.mktemp("native") / "every.pte",
        ).path

    return make


@pytest.mark.parametrize("address", [A76, A53])
@pytest.mark.parametrize("precision", LIMITS)
def test_every_operation(precision, address, compiled, module, full_runner, record_property):
    path = compiled(precision)
    there = _agrees(path, module, precision, address, record_property)
    _same_with_executorch(full_runner(address), path, there)


@pytest.mark.parametrize("precision", ["int8", "int8 for arm"])
def test_matrix_products_give_the_bits_of_dot_products(precision, compiled, monkeypatch):
    """Sums of int8 products are integers, so every instruction set has the same ones."""
    path = compiled(precision)
    runner = Runner(open_device(MAX))
    assert {"i8mm", "asimddp"} <= set(runner.facts().features)
    (squares,) = runner.run(path, [INPUT.numpy()])
    monkeypatch.setenv("HVIT_EDGE_ISA", "dotprod")
    (dots,) = runner.run(path, [INPUT.numpy()])
    np.testing.assert_array_equal(squares, dots)
    (older,) = Runner(open_device(A76)).run(path, [INPUT.numpy()])
    np.testing.assert_array_equal(squares, older)


def test_matrix_products_are_refused_by_a_processor_without_them(compiled, monkeypatch):
    monkeypatch.setenv("HVIT_EDGE_ISA", "i8mm")
    with pytest.raises(HvitEdgeError, match=r"HVIT_EDGE_ISA\] expected .*dotprod\), got i8mm"):
        Runner(open_device(A76)).run(compiled("int8"), [INPUT.numpy()])


@pytest.fixture(scope="module")
def general(tmp_path_factory):
    """The module and `precision -> path`."""
    torch.manual_seed(0)
    module = GeneralOperations().eval()

    @cache
    def make(precision):
        return hvit_edge.compile(
            module,
            target="native",
            precision=precision,
            preprocess=Preprocess((64, 64), resize_size=64),
            labels=list("abcdefg"),
            output=tmp_path_factory.mktemp("general") / "general.pte",
        ).path

    return module, make


@pytest.mark.parametrize("address", [A76, A53])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_general_operations(precision, address, general, full_runner, record_property):
    module, compiled = general
    path = compiled(precision)
    there = _agrees(path, module, precision, address, record_property)
    _same_with_executorch(full_runner(address), path, there)


def _same_with_executorch(runner, path, outputs):
    """Check that the small runner, which runs native programs, gives the full one's bits."""
    (expected,) = runner.run(path, [INPUT.numpy()])
    np.testing.assert_array_equal(outputs, expected)


def _agrees(path, module, precision, address, record_property):
    """Check a program in QEMU against float64 and against the same program on this machine.

    Returns its output in QEMU.
    """
    (there,) = Runner(open_device(address)).run(path, [INPUT.numpy()])
    (here,) = hvit_edge.Session(path)(INPUT.numpy())
    with torch.inference_mode():
        expected = copy.deepcopy(module).double()(INPUT.double()).numpy()
    distance, apart = (
        np.abs(there - each).max() / np.abs(expected).max() for each in (expected, here)
    )
    record_property(
        "measured",
        f"native {precision} on {address}: {distance:.1e} from float64, {apart:.1e} from here",
    )
    assert distance < LIMITS[precision]
    assert apart < LIMITS[precision]
    return there


@pytest.fixture(scope="module")
def bundled(photo_windows, tmp_path_factory):
    """`precision -> path` of the bundled classifier; each is compiled once."""

    @cache
    def make(precision):
        return hvit_edge.compile(
            "mobilevit_xxs",
            weights="cifar10",
            target="native",
            precision=precision,
            cpu="arm" if precision in INT8 else None,
            calib_data=photo_windows if precision == "int8" else None,
            output=tmp_path_factory.mktemp("bundled") / "a.pte",
        ).path

    return make


@pytest.mark.parametrize("precision", ["fp32", "fp16", *INT8])
def test_the_bundled_model(precision, bundled, has_not_grown, record_property):
    path = bundled(precision)
    report = validate(path, device=A76)
    assert report.passed
    assert report.device.top1_agreement == 1
    counted = instructions_of(path, A76)
    record_property("measured", f"native {precision}: {counted.total / 1e6:.2f} M instructions")
    assert sum(counted.kernels.values()) == counted.total
    assert counted.unknown == ()
    assert has_not_grown("mobilevit_xxs", f"native {precision}", counted.total)


@pytest.mark.parametrize("precision", ["fp32", "fp16", *INT8])
def test_the_static_runner_takes_at_most_one_percent_more_instructions(
    precision, bundled, full_runners, monkeypatch, record_property
):
    path = bundled(precision)
    small = instructions_of(path, A76).total
    monkeypatch.setenv(VARIABLE, str(full_runners))
    ratio = small / instructions_of(path, A76).total
    record_property("measured", f"native {precision}: {ratio:.3f} of the full runner's count")
    assert 0.95 < ratio < 1.01  # another compiler makes it: 1 to 2 % fewer in lower precisions
