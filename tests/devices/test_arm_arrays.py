"""Artifacts of arrays on aarch64, in user-mode QEMU; `make arm` builds the runner."""

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.parity import validate
from hvit_edge.profile.profiling import profile
from hvit_edge.tensors.open_session import open_session

A76 = "qemu:cortex-a76"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("arm_build")]


class Ranked(nn.Module):
    """Has inputs of three dtypes, and outputs of two; no delegate searches the largest sums."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(3, 2)

    def forward(self, x, counts, keep):
        sums = self.first(x) + counts.float()
        values, places = torch.topk(sums * keep.float(), 3)
        return {"scores": self.last(values), "places": places}


INPUTS = {
    "x": torch.linspace(-1, 1, 12).reshape(2, 6),
    "counts": torch.arange(8),
    "keep": torch.tensor([True] * 6 + [False] * 2),
}


@pytest.fixture(scope="module", params=["xnnpack", "native"])
def compiled(request, tmp_path_factory):
    """Return the module, and its artifact for a target."""
    torch.manual_seed(0)
    module, path = Ranked().eval(), tmp_path_factory.mktemp("arrays") / "a.pte"
    return module, hvit_edge.compile(module, inputs=INPUTS, target=request.param, output=path).path


def test_every_output_agrees_with_pytorch(compiled):
    module, path = compiled
    report = validate(path, model=module, device=A76)
    assert report.passed and report.steps[-1].name == "device"
    assert [one.name for one in report.steps[-1].outputs] == ["scores", "places"]
    session = open_session(path, device=A76)
    assert session.self_test().passed
    scores, places = session(*(tensor.numpy() for tensor in INPUTS.values()))
    with torch.no_grad():
        wanted = module(**INPUTS)
    np.testing.assert_allclose(scores, wanted["scores"].numpy(), atol=1e-5)
    assert places.dtype == np.int64 and np.array_equal(places, wanted["places"].numpy())


def test_instructions_of_operators_outside_the_delegates(compiled):
    found = profile(compiled[1], device=A76)
    names = [each.name for each in found.outside_delegates]
    assert "aten::topk.values" in names
    assert all(each.cost > 0 for each in found.operators)
