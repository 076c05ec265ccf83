"""The output of `inspect` for packages, compared with coremltools."""

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import types
from torch import nn

from hvit_edge.coreml import Program, load_program
from hvit_edge.errors import ArtifactError
from hvit_edge.inspection.packages import outside_neural_engine
from hvit_edge.inspection.programs import describe


@pytest.fixture(scope="module")
def facts(apple_package):
    return lambda precision, ios=17: describe(apple_package(precision, ios).path)


def test_file_and_features(facts, apple_package):
    found, path = facts("fp16"), apple_package("fp16").path
    assert (found["path"], found["format"]) == (str(path), "mlpackage")
    assert found["bytes"] == sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    folder = path / "Data/com.apple.CoreML"
    assert found["sizes"] == {
        "model.mlmodel": (folder / "model.mlmodel").stat().st_size,
        "weight.bin": (folder / "weights/weight.bin").stat().st_size,
    }
    assert found["inputs"] == [
        {
            "name": "image",
            "kind": "image",
            "dtype": "uint8",
            "layout": "RGB",
            "shape": [1, 3, 16, 16],
        }
    ]
    outputs = {feature["name"]: feature for feature in found["outputs"]}
    assert set(outputs) == {"logits", "classLabel", "classLabel_probs"}
    assert (outputs["logits"]["dtype"], outputs["logits"]["shape"]) == ("float32", [1, 5])
    assert outputs["classLabel"]["kind"] == "label"
    assert (found["specification"], found["opset"]) == (8, "iOS17")
    assert (facts("w8", 18)["specification"], facts("w8", 18)["opset"]) == (9, "iOS18")
    assert found["compute_units"] == "all"
    assert found["metadata"]["model_name"] == "tinyapple"
    assert found["metadata"]["preprocess"]["input_size"] == (16, 16)


def test_operators_and_precisions(facts, apple_package):
    found = facts("fp16")
    program = load_program(apple_package("fp16").path)
    assert found["operators"] == program.counts()
    assert sum(found["precisions"].values()) == sum(found["operators"].values())
    names = {torch.float16: "float16", torch.float32: "float32"}
    expected = {}
    for op in program.operators:
        name = names.get(op.outputs[0].dtype, "label")
        expected[name] = expected.get(name, 0) + 1
    assert found["precisions"] == expected
    assert found["precisions"]["float32"] == 2, "what comes out is cast"
    assert facts("fp32")["precisions"].keys() == {"float32", "label"}


@pytest.mark.parametrize("ios", [17, 18])
@pytest.mark.parametrize(
    ("precision", "encoding", "bits"),
    [("w8", "int8 linear", 8), ("w6", "6-bit palette", 6), ("w4", "4-bit palette", 4)],
)
def test_weights_by_encoding(facts, apple_model, precision, ios, encoding, bits):
    """Weights of convolutions and linears are compressed, biases are not."""
    found = facts(precision, ios)
    row, plain = found["weights"][encoding], found["weights"]["float16"]
    layers = [m for m in apple_model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    sizes = [layer.weight.numel() for layer in layers]
    assert set(found["weights"]) == {encoding, "float16"}
    assert row["count"] == len(sizes)
    beside = row["bytes"] - sum(-(-size * bits // 8) for size in sizes)
    if "palette" in encoding:
        assert beside == row["count"] * 2**bits * 2, "a palette of float16 a tensor"
    else:
        channels = sum(layer.weight.shape[0] for layer in layers)
        assert 0 <= beside <= 2 * channels, "a scale of float16 a channel; few are in the program"
    assert plain["bytes"] >= 2 * 2 * 64 * 64, "the attention's bias is float16"
    assert row["bytes"] + plain["bytes"] < found["sizes"]["weight.bin"]


@pytest.mark.parametrize(("precision", "encoding"), [("fp32", "float32"), ("fp16", "float16")])
def test_weights_as_they_are(facts, precision, encoding):
    assert set(facts(precision)["weights"]) == {encoding}


def test_half_the_bits_take_half_the_bytes(facts):
    single, half = (
        sum(row["bytes"] for row in facts(precision)["weights"].values())
        for precision in ("fp32", "fp16")
    )
    assert 1.9 < single / half < 2.1


def program(body, *shapes, dtype=types.fp16):
    specs = [mb.TensorSpec(shape, dtype=dtype) for shape in shapes]
    return Program.from_mil(mb.program(input_specs=specs, opset_version=ct.target.iOS17)(body))


def reasons(found):
    return [(row["type"], row["reason"]) for row in outside_neural_engine(found.operators)]


def test_operators_that_suit_the_neural_engine_are_not_listed():
    weight = np.ones((4, 3, 1, 1), np.float16)
    assert reasons(program(lambda x: mb.relu(x=mb.conv(x=x, weight=weight)), (1, 3, 4, 4))) == []


def test_float32_is_listed_and_casts_are_not():
    def body(x):
        return mb.cast(x=mb.exp(x=mb.cast(x=mb.relu(x=x), dtype="fp32")), dtype="fp16")

    assert reasons(program(body, (1, 3, 4, 4))) == [("exp", "computes in float32")]


def test_five_axes_and_indices_are_listed():
    def simple(x):
        return mb.transpose(x=mb.reshape(x=x, shape=(1, 2, 2, 2, 2)), perm=(0, 2, 1, 4, 3))

    assert reasons(program(simple, (4, 4))) == [
        ("reshape", "has an array of 5 axes"),
        ("transpose", "has an array of 5 axes"),
    ]

    def dynamic(x):
        best = mb.reduce_argmax(x=x, axis=1)
        return mb.gather(x=x, indices=best, axis=0)

    assert reasons(program(dynamic, (4, 4), dtype=types.fp32)) == [
        ("reduce_argmax", "computes in float32"),
        (
            "gather",
            "computes in float32; uses indices that are only known at run time",
        ),
    ]


def test_a_float32_package_is_outside_as_a_whole(facts):
    found = facts("fp32")
    listed = {row["operator"] for row in found["predicted_outside_neural_engine"]}
    assert len(listed) == sum(found["operators"].values()) - 1, "all but the label"


def test_foreign_packages_are_refused(tmp_path):
    @mb.program(input_specs=[mb.TensorSpec((1, 3))], opset_version=ct.target.iOS17)
    def network(x):
        return mb.relu(x=x)

    model = ct.convert(
        network,
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS17,
        skip_model_load=True,
    )
    model.save(str(tmp_path / "foreign.mlpackage"))
    with pytest.raises(ArtifactError, match=r"\[package\] .* without its metadata"):
        describe(tmp_path / "foreign.mlpackage")
