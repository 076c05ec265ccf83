"""Tests the translation: export, rewrite, translate, evaluate, compare with PyTorch."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ct = pytest.importorskip("coremltools")

from hvit_edge.coreml import Program, load_program
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.pipeline import COREML_PIPELINE
from hvit_edge.targets.coreml.build import passes, quiet
from hvit_edge.targets.coreml.half_safety import unsafe_in_float16
from hvit_edge.targets.coreml.layout import Axis, size
from hvit_edge.targets.coreml.translate import Translated, translate

OPSETS = {17: ct.target.iOS17, 18: ct.target.iOS18}
FLOAT32 = 1e-5  # of the largest logit: float32 sums in another order than float64
FLOAT16 = 4e-3  # four roundings of what is as large as the result


class Call(nn.Module):
    """A function of the image and of constants as a module that gives logits.

    Args:
        function: called with the image, then the constants.
        constants: parameters or buffers in all but name.
    """

    def __init__(self, function: Callable[..., Tensor], *constants: Tensor) -> None:
        super().__init__()
        self.function = function
        for index, constant in enumerate(constants):
            self.register_buffer(f"constant_{index}", constant)
        self.names = [f"constant_{index}" for index in range(len(constants))]

    def forward(self, image: Tensor) -> Tensor:
        return self.function(image, *(getattr(self, name) for name in self.names)).reshape(1, -1)


def translation(module: nn.Module, image: Tensor, ios: int = 17) -> Translated:
    graph = export_graph(module.eval(), (image,))
    rewrite(graph, passes=COREML_PIPELINE)
    return translate(graph, opset=OPSETS[ios], pixels=None)


def operators(translated: Translated) -> Counter[str]:
    """Count the calls of each operator, without those that give the outputs."""
    function = translated.program.functions["main"]
    last = {output.op for output in function.outputs}
    return Counter(
        op.op_type for op in function.operations if op.op_type != "const" and op not in last
    )


def logits(translated: Translated, image: Tensor) -> np.ndarray:
    return Program.from_mil(translated.program).run({"image": image.numpy()})["logits"]


@pytest.fixture(scope="session")
def call() -> type[Call]:
    return Call


@pytest.fixture(scope="session", name="translation")
def _translation() -> Callable[..., Translated]:
    """`(module, image, ios=17) -> Translated`."""
    return translation


@pytest.fixture(scope="session", name="operators")
def _operators() -> Callable[[Translated], Counter]:
    return operators


@pytest.fixture(scope="session")
def agrees() -> Callable[..., Counter]:
    """The check `(module, image, ios=17)` against float64; it returns the operators."""

    def check(module: nn.Module, image: Tensor, ios: int = 17) -> Counter[str]:
        translated = translation(module, image, ios)
        with torch.inference_mode():
            expected = copy.deepcopy(module).double()(image.double()).numpy()
        got = logits(translated, image)
        assert got.shape == expected.shape
        assert got.dtype == np.float32
        assert np.abs(got - expected).max() <= FLOAT32 * np.abs(expected).max()
        return operators(translated)

    return check


class Each(nn.Module):
    """Several functions of the image and of constants, their results one after the other."""

    def __init__(self, functions: Iterable[Callable[..., Tensor]], *constants: Tensor) -> None:
        super().__init__()
        self.functions = list(functions)
        for index, constant in enumerate(constants):
            self.register_buffer(f"constant_{index}", constant)
        self.names = [f"constant_{index}" for index in range(len(constants))]

    def forward(self, image: Tensor) -> Tensor:
        constants = [getattr(self, name) for name in self.names]
        # Each is part of a sum: what is refused as a whole must not pass as a view.
        return torch.cat([(f(image, *constants) + 0.5).reshape(1, -1) for f in self.functions], 1)


def in_half(translated: Translated, image: Tensor) -> np.ndarray:
    """The logits of a package in float16, saved and read again; what float16 breaks is float32."""
    inputs = {"image": image.numpy()}
    unsafe = unsafe_in_float16(translated.program, [inputs])
    with quiet():
        model = ct.convert(
            translated.program,
            convert_to="mlprogram",
            minimum_deployment_target=OPSETS[17],
            compute_precision=ct.transform.FP16ComputePrecision(lambda op: op.name not in unsafe),
            pass_pipeline=passes(),
            skip_model_load=True,
        )
    return load_program(model.package_path).run(inputs)["logits"].astype(np.float64)


@pytest.fixture(scope="session")
def agree() -> Callable[..., Counter]:
    """The check `(functions by name, image, *constants, ios=17)` of one program for all.

    The program is compared in float32, and as a package in float16.
    """

    def check(
        functions: Mapping[str, Callable[..., Tensor]],
        image: Tensor,
        *constants: Tensor,
        ios: int = 17,
    ) -> Counter[str]:
        module = Each(functions.values(), *constants).eval()
        translated = translation(module, image, ios)
        arrays = translated.program.functions["main"].operations
        assert max(output.rank for op in arrays for output in op.outputs) <= 5
        count = operators(translated)
        answers = [(FLOAT32, logits(translated, image)[0])]
        answers += [(FLOAT16, in_half(translated, image)[0])] if ios == 17 else []
        doubles = [c.double() if c.is_floating_point() else c for c in constants]
        faults, start = [], 0
        for name, function in functions.items():
            expected = (function(image.double(), *doubles) + 0.5).reshape(-1).numpy()
            for tolerance, got in answers:
                part = got[start : start + expected.size]
                far = np.abs(part - expected).max() / np.abs(expected).max()
                faults += [] if far <= tolerance else [f"{name}: {far:.1e}, {tolerance} is allowed"]
            start += expected.size
        assert not faults
        assert all(start == got.size for _, got in answers)
        return count

    return check


@pytest.fixture(scope="session")
def stirred() -> Callable[[nn.Module], nn.Module]:
    """Gives a module biases and norms that matter: a zero bias would hide faults."""

    def stir(module: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(1)
        for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if name.endswith("running_var"):
                tensor.data.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point() and tensor.dim() == 1:
                noise = torch.randn(tensor.shape, generator=generator)
                tensor.data += 0.2 * noise
        return module.eval()

    return stir


@pytest.fixture(scope="session")
def rearranged() -> Callable[..., np.ndarray]:
    """`(array, source, target)`: one array of factors, permuted, in the axes of the target."""

    def rearrange(array: np.ndarray, source: Sequence[Axis], target: Sequence[Axis]) -> np.ndarray:
        before, after = ([f for axis in axes for f in axis] for axes in (source, target))
        apart = array.reshape([factor.size for factor in before])
        return apart.transpose([before.index(f) for f in after]).reshape([*map(size, target)])

    return rearrange


@pytest.fixture(autouse=True)
def _seeded_on_one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a pool that waits for busy cores is many times slower than this
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
