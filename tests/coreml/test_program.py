import weakref

import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import Builder as mb
from coremltools.converters.mil.mil import get_new_symbol

from hvit_edge.coreml import Feature, Program, load_program
from hvit_edge.coreml.operators import registry
from hvit_edge.errors import ArtifactError, InputError


def draw(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.fixture
def without(monkeypatch):
    """Takes operators out of the registry."""

    def remove(*names):
        for name in names:
            monkeypatch.delitem(registry._kernels, name)

    return remove


def body(x):
    y = mb.relu(x=mb.add(x=x, y=np.float32(1), name="sum"), name="positive")
    return mb.mul(x=y, y=y, name="square"), mb.tanh(x=x, name="bounded")


def test_what_a_program_says(program):
    made = program(body, draw(0, 2, 3))
    assert made.inputs == (Feature("x", (2, 3), "float32"),)
    assert [output.name for output in made.outputs] == ["square", "bounded"]
    assert [op.op_type for op in made.operators] == ["add", "relu", "mul", "tanh"]
    assert made.opset == "iOS17"
    assert made.package is None


def test_watch_sees_every_operator_in_order(program):
    x = draw(0, 2, 3)
    seen = {}
    made = program(body, x)
    outputs = made.run({"x": x}, watch=lambda op, results: seen.update({op.name: results}))
    assert list(seen) == ["sum", "positive", "square", "bounded"]
    np.testing.assert_allclose(seen["sum"][0], x + 1, rtol=1e-6)
    assert np.array_equal(outputs["square"], seen["square"][0].numpy())


def test_values_are_freed_after_their_last_use(program):
    references, held = [], []

    def watch(op, results):
        held.append(sum(reference() is not None for reference in references))
        references.extend(weakref.ref(result) for result in results)

    def chain(x):
        for _ in range(6):
            x = mb.sin(x=x)
        return x

    x = draw(0, 4)
    program(chain, x).run({"x": x}, watch=watch)
    assert held == [0, 1, 1, 1, 1, 1]


def test_runs_are_independent_and_outputs_own_their_memory(program):
    made = program(lambda x: (mb.identity(x=x), x), draw(0, 3))
    first, second = draw(1, 3), draw(2, 3)
    before = made.run({"x": first})
    kept = {name: array.copy() for name, array in before.items()}
    made.run({"x": second})
    for name, array in before.items():
        assert np.array_equal(array, kept[name])
        assert not np.shares_memory(array, first)
        array += 1


def test_wrong_inputs_are_refused(program):
    made = program(body, draw(0, 2, 3))
    with pytest.raises(InputError, match=r"\[Program.run\].*no x"):
        made.run({})


def test_flexible_shapes(save):
    count = get_new_symbol()

    @mb.program(input_specs=[mb.TensorSpec((1, count, 4))], opset_version=ct.target.iOS17)
    def network(x):
        halves = mb.split(x=mb.concat(values=(x, x), axis=1), num_splits=2, axis=2)
        return mb.reduce_sum(x=halves[0], axes=[1], name="sum")

    flexible = ct.TensorType(name="x", shape=(1, ct.RangeDim(1, 9, default=3), 4))
    for made in (Program.from_mil(network), load_program(save(network, inputs=[flexible]))):
        assert made.inputs[0].shape == (1, None, 4)
        for size in (1, 9):
            x = draw(0, 1, size, 4)
            expected = 2 * x[:, :, :2].sum(1, dtype=np.float64)
            np.testing.assert_allclose(made.run({"x": x})["sum"], expected, rtol=1e-5)


def test_unknown_operators_are_all_named_before_anything_runs(program, save, without):
    x = draw(0, 2, 3)
    path = save(build_network())
    without("relu", "tanh")
    for load in (lambda: program(body, x), lambda: load_program(path)):
        with pytest.raises(ArtifactError) as caught:
            load()
        message = str(caught.value)
        assert "relu positive, tanh bounded" in message
        assert "convert the model without them" in message


def build_network():
    return mb.program(input_specs=[mb.TensorSpec((2, 3))], opset_version=ct.target.iOS17)(body)


def test_unknown_inputs_are_named(program, monkeypatch):
    kernel = registry._kernel(lambda x, *, slope: x)
    monkeypatch.setitem(registry._kernels, "relu", {0: kernel})
    with pytest.raises(ArtifactError, match="relu positive: missing input slope"):
        program(body, draw(0, 2, 3))


def test_a_result_of_another_shape_than_declared_is_refused(program, monkeypatch):
    kernel = registry._kernel(lambda x: x[:1])
    monkeypatch.setitem(registry._kernels, "relu", {0: kernel})
    made = program(body, draw(0, 2, 3))
    message = r"relu positive: expected the declared shape \[2, 3\], got \[1, 3\]"
    with pytest.raises(ArtifactError, match=message):
        made.run({"x": draw(0, 2, 3)})


def test_another_function(program):
    mil = build_network()
    with pytest.raises(InputError, match=r"a function among \['main'\], got other"):
        Program.from_mil(mil, "other")


def test_what_coremltools_cannot_read_is_refused(save):
    path = save(build_network())
    model = path / "Data/com.apple.CoreML/model.mlmodel"
    spec = load_program(path).package.spec
    function = spec.mlProgram.functions["main"]
    function.block_specializations[function.opset].outputs[0] = "nothing"
    model.write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match=r"\[load_program\] expected a program that coreml"):
        load_program(path)


@pytest.mark.parametrize("layout", [ct.colorlayout.RGB, ct.colorlayout.BGR])
def test_an_image_classifier(save, layout):
    weight = draw(0, 4, 3, 3, 3)

    @mb.program(input_specs=[mb.TensorSpec((1, 3, 8, 6))], opset_version=ct.target.iOS17)
    def network(photo):
        scores = mb.reduce_mean(x=mb.conv(x=photo, weight=weight, pad_type="same"), axes=[2, 3])
        return mb.softmax(x=scores, axis=-1)

    labels = ["cat", "dog", "bird", "fish"]
    image = ct.ImageType(
        name="photo",
        shape=(1, 3, 8, 6),
        scale=1 / 64,
        bias=[-1, -2, -3],
        color_layout=layout,
    )
    made = load_program(
        save(network, inputs=[image], classifier_config=ct.ClassifierConfig(labels))
    )
    assert made.inputs == (Feature("photo", (1, 3, 8, 6), "float32", "image", layout.value),)
    assert [(output.kind, output.dtype) for output in made.outputs] == [
        ("label", "str"),
        ("probabilities", "dict"),
    ]
    pixels = np.random.default_rng(1).integers(0, 256, (8, 6, 3)).astype(np.uint8)
    ordered = pixels if layout.value == "RGB" else pixels[..., ::-1].copy()
    x = torch.from_numpy(ordered).double().permute(2, 0, 1)[None] / 64
    x = x + torch.tensor([-1.0, -2, -3]).reshape(1, 3, 1, 1)
    scores = torch.nn.functional.conv2d(x, torch.from_numpy(weight).double(), padding=1)
    expected = torch.softmax(scores.mean((2, 3)), -1)[0]
    label, probabilities = made.run({"photo": pixels}).values()
    assert label == labels[int(expected.argmax())]
    assert list(probabilities) == labels
    np.testing.assert_allclose(list(probabilities.values()), expected, rtol=1e-5)
