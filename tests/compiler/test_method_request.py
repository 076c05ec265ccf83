"""Requests of several sizes and batches: what they mean, and every reason to refuse them."""

from types import SimpleNamespace

import pytest
from torch import nn

from hvit_edge.artifact.metadata import Method
from hvit_edge.compiler.method_request import methods_of, requested_methods
from hvit_edge.compiler.source import read_model
from hvit_edge.errors import InputError

XNNPACK = SimpleNamespace(target="xnnpack", precision="fp32")


def requested(
    sizes=None, batches=(1,), *, model="mobilevit_xxs", size=None, request=XNNPACK, task="classify"
):
    return requested_methods(read_model(model), request, size, sizes, batches, task)


def test_one_size_and_a_batch_of_one_need_no_methods():
    assert requested() is None
    assert requested(size=64) is None


def test_every_size_in_every_batch_the_preferred_first():
    asked = requested([256, (320, 256)], [1, 4])
    assert asked == (((256, 256), 1), ((320, 256), 1), ((256, 256), 4), ((320, 256), 4))
    assert methods_of(asked)[3] == Method("320x256-batch4", 4, (320, 256))


def test_a_batch_alone_keeps_the_size_of_the_weights():
    assert requested(batches=[2]) == ((None, 2),)
    assert requested(batches=[2], size=(64, 96)) == (((64, 96), 2),)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"sizes": [256, (256, 256)]}, "expected each once, got 256x256 twice"),
        ({"sizes": []}, "expected at least one size, got none"),
        ({"sizes": [0]}, r"expected sides in pixels, or \(height, width\), got 0"),
        ({"sizes": [(1, 2, 3), "big"]}, r"got \(1, 2, 3\), 'big'"),
        ({"sizes": [256], "batches": [0]}, "at least 1, got 0"),
        ({"batches": []}, "at least 1, got none"),
        ({"batches": [True, 2]}, "at least 1, got True, 2"),
        ({"batches": [2, 2]}, "batches=: expected each once, got 2 twice"),
        ({"sizes": [64], "size": 64}, "input_size, input_sizes: expected one of them, got both"),
        ({"batches": [2], "task": "segment"}, "a batch of 1 for the task segment, got others"),
        ({"sizes": [64, 96], "task": "embed"}, "expected one input size .* for the task embed"),
        ({"sizes": [64], "task": "tensor"}, "expected a model that classifies photos, got one of"),
        ({"batches": [2], "model": "conformer1d_s", "task": "tensor"}, "got one of arrays"),
        ({"sizes": [64], "model": nn.Identity()}, "with a name or an address, got a module"),
        (
            {"sizes": [64, 16]},
            r"\[mobilevit_xxs\] input_size: expected sides of .*, got \(16, 16\)",
        ),
        (
            {"batches": [2], "request": SimpleNamespace(target="xnnpack", precision="auto")},
            "expected a fixed one with several methods, got auto",
        ),
    ],
)
def test_what_cannot_be(given, reason):
    with pytest.raises(InputError, match=reason):
        requested(**given)


@pytest.mark.parametrize("target", ["coreml", "coreml-pte"])
def test_targets_with_one_size(target):
    request = SimpleNamespace(target=target, precision="fp16")
    with pytest.raises(InputError, match=f"batch of 1 for {target}, got others; xnnpack and nat"):
        requested([64, 96], request=request)


def test_all_sizes_that_do_not_fit_are_named():
    with pytest.raises(InputError) as refused:
        requested([224, 100, (224, 230)], model="swin_t")
    assert "got (100, 100)" in str(refused.value) and "got (224, 230)" in str(refused.value)
    assert str(refused.value).startswith("[compile] ")
