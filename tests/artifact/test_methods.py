"""The names of methods, their fields, and the batch that is made from one photo."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hvit_edge.artifact import container, methods
from hvit_edge.artifact.metadata import Difference, Metadata, Method
from hvit_edge.preprocess import Preprocess

METHODS = (
    Method("4x4", 1, (4, 4)),
    Method("4x6", 1, (4, 6)),
    Method("4x4-batch2", 2, (4, 4)),
)


def described(method, **changes):
    metadata = Metadata(
        schema_version=1,
        model_name="m",
        target="native",
        precision="fp32",
        created="2026-11-21T10:00:00Z",
        weights_source="random",
        weights_sha256="0" * 64,
        versions={},
        labels=("a", "b"),
        preprocess=Preprocess(method.size, resize_size=6),
        parity=Difference(0.0, 0.0, 1.0, True),
        golden_tolerance=1e-4,
        methods=METHODS,
        method=method.name,
    )
    output = np.full((method.batch, 2), method.size[1], np.float32)
    golden = container.Golden(np.zeros((8, 8, 3), np.uint8), output)
    return replace(metadata, **changes), golden


@pytest.mark.parametrize(
    ("batch", "size", "name"),
    [(1, (320, 240), "320x240"), (4, (256, 256), "256x256-batch4")],
)
def test_names_say_size_and_batch(batch, size, name):
    assert methods.name_of(batch, size) == name


def test_the_first_method_is_forward():
    assert methods.entry_of(METHODS, "4x4") == "forward"
    assert methods.entry_of(METHODS, "4x6") == "4x6"
    assert methods.entry_of((), "") == "forward"


def test_a_line_lists_each_method():
    assert methods.written(METHODS) == "4x4\t1\t4\t4\n4x6\t1\t4\t6\n4x4-batch2\t2\t4\t4"


def test_a_batch_has_the_photo_and_rotations_of_it():
    photo = np.arange(2 * 3 * 5, dtype=np.float32).reshape(1, 2, 3, 5)
    batch = methods.batch_of(photo, 3)
    assert batch.shape == (3, 2, 3, 5) and batch.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(batch[0], photo[0])
    for k, shift in ((1, 1), (2, 3)):  # k * 5 // 3
        for column in range(5):
            np.testing.assert_array_equal(
                batch[k, :, :, column], photo[0, :, :, (column + shift) % 5]
            )


def test_only_what_differs_is_written_for_another_method():
    fields = container.constant_methods_of([described(method) for method in METHODS])
    own = {name for name in fields if "@" in name}
    assert own == {
        "hve_input_size@4x6",
        "hve_golden_output@4x6",
        "hve_golden_output@4x4-batch2",
    }
    assert fields["hve_input_size"] == [4, 4] and fields["hve_input_size@4x6"] == [4, 6]
    assert torch.equal(fields["hve_golden_output@4x4-batch2"], torch.full((2, 2), 4.0))
    assert fields["hve_methods"] == methods.written(METHODS)
    alone = container.constant_methods(*described(METHODS[0]))
    assert {name: fields[name] for name in alone if name != "hve_golden_output"}.keys() == {
        name for name in alone if name != "hve_golden_output"
    }


def test_what_only_the_first_method_has_is_empty_for_others():
    first = described(METHODS[0], fallback="a reason", weights_key="ema")
    other = described(METHODS[1], weights_key="ema")
    fields = container.constant_methods_of([first, other])
    assert fields["hve_fallback"] == "a reason" and fields["hve_fallback@4x6"] == ""
    assert "hve_weights_key@4x6" not in fields
