import threading
import warnings

import pytest
import torch
from torch import nn

from hvit_edge import Preprocess, compile
from hvit_edge.boundary import patched_version
from hvit_edge.boundary.autocast_blocks import autocast_in_float32
from hvit_edge.boundary.torch_state import settled
from hvit_edge.errors import LoweringError

X = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))


class Mixed(nn.Module):
    """A linear in a block of autocast, and another one that is decorated."""

    def __init__(self, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__()
        self.dtype, self.first, self.second = dtype, nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=self.dtype):
            x = self.first(x)
        return self.decorated(x).float()

    @torch.autocast("cpu", dtype=torch.bfloat16)
    def decorated(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(x.float())


class Photos(Mixed):
    """Apply the parent class to photos of 8 x 8 pixels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.mean((1, 2)))


def in_float32(module: Mixed, x: torch.Tensor) -> torch.Tensor:
    return module.second(module.first(x))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_blocks_are_computed_in_float32_and_said_to_be(dtype):
    module = Mixed(dtype)
    assert not torch.equal(module(X), in_float32(module, X))
    with pytest.warns(UserWarning) as caught:
        answer = settled(lambda: module(X))()
    assert torch.equal(answer, in_float32(module, X))
    (warning,) = caught
    assert f"got one in {dtype} at {__file__}:" in str(warning.message)
    assert not torch.equal(module(X), in_float32(module, X)), "it must not last"


def test_blocks_that_are_off_are_not_mentioned():
    def run() -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return X * 2

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(settled(run)(), X * 2)


def test_other_threads_keep_their_blocks():
    module, answers = Mixed(), []
    with autocast_in_float32():
        thread = threading.Thread(target=lambda: answers.append(module(X)))
        thread.start()
        thread.join()
    assert torch.equal(answers[0], module(X))


def test_a_block_of_another_pytorch_is_refused_and_other_code_runs(monkeypatch):
    monkeypatch.setattr(patched_version, "installed", lambda package: "2.14.1")
    assert torch.equal(settled(lambda: X * 2)(), X * 2)
    with pytest.raises(LoweringError, match=r"expected torch 2.13.0, .* got 2.14.1"):
        settled(lambda: Mixed()(X))()


def test_a_module_with_blocks_compiles(tmp_path):
    with pytest.warns(UserWarning, match="it is computed in float32"):
        artifact = compile(
            Photos().eval(),
            target="native",
            preprocess=Preprocess((8, 8)),
            output=tmp_path / "mixed.pte",
        )
    assert artifact.report.to_dict()["parity"]["max_rel"] < 1e-6
    assert artifact.report.to_dict()["ops_outside"] == []
