import pytest
import torch

from hvit_edge.lowering.canonicalize_conversions import canonicalize_conversions

X = torch.randn(2, 3)
CONVERTED = {
    "to a tensor's": lambda x: (x > 0).to(x),
    "as a tensor's": lambda x: (x > 0).type_as(x),
    "with a device": lambda x: (x > 0).to("cpu", x.dtype),
}


@pytest.mark.parametrize("name", CONVERTED)
def test_conversions_become_one_operator(name, rewritten, call):
    after = rewritten(canonicalize_conversions, call(CONVERTED[name]), X, bit_equal=True)
    assert (after["to"], after["type_as"]) == (1, 0)


def test_what_changes_no_dtype_stays(untouched, call):
    untouched(canonicalize_conversions, call(lambda x: x.to("cpu") + x.type_as(x)), X)
