import coremltools as ct
import numpy as np
import pytest
import torch
from coremltools.converters.mil.mil import types
from torch import nn
from torch.nn import functional as F

import hvit_edge
from hvit_edge.coreml import Program
from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.pipeline import COREML_PIPELINE
from hvit_edge.models import model_info
from hvit_edge.targets.coreml.translate import Pixels, translate

IMAGE = torch.rand(1, 3, 8, 12, generator=torch.Generator().manual_seed(0))


class Small(nn.Module):
    """[1, 3, 8, 12] -> [1, 5]."""

    def __init__(self, middle=None):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 2, 1)
        self.middle = middle or nn.GELU()
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        return self.head(self.middle(self.stem(x)).mean((2, 3)))


class Step(nn.Module):
    """A function as a child module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def prepared(module, image=IMAGE):
    graph = export_graph(module.eval(), (image,))
    rewrite(graph, passes=COREML_PIPELINE)
    return graph


def test_inputs_and_outputs():
    module = Small()
    translated = translate(prepared(module), opset=ct.target.iOS17, pixels=None)
    function = translated.program.functions["main"]
    assert function.opset_version == ct.target.iOS17
    assert {name: var.shape for name, var in function.inputs.items()} == {"image": (1, 3, 8, 12)}
    assert all(var.dtype == types.fp32 for var in function.inputs.values())
    assert [(var.name, var.shape) for var in function.outputs] == [
        ("logits", (1, 5)),
        ("probabilities", (1, 5)),
    ]
    got = Program.from_mil(translated.program).run({"image": IMAGE.numpy()})
    with torch.inference_mode():
        logits = module.double()(IMAGE.double())
    np.testing.assert_allclose(got["logits"], logits, atol=1e-5 * logits.abs().max())
    np.testing.assert_allclose(got["probabilities"], logits.softmax(-1), atol=1e-6)


def test_operators_know_their_module():
    translated = translate(prepared(Small()), opset=ct.target.iOS17, pixels=None)
    operations = translated.program.functions["main"].operations
    known = {op.op_type: translated.modules[op.name] for op in operations if op.op_type == "gelu"}
    assert known == {"gelu": "middle"}
    convolutions = [op.name for op in operations if op.op_type == "conv"]
    assert [translated.modules[name] for name in convolutions] == ["stem", "head"]
    calls = {op.name for op in operations if op.op_type != "const"}
    assert calls - set(translated.modules) <= {"logits", "probabilities", *unnamed(operations)}


def unnamed(operations):
    """Return the operators that bring the logits into plain order; they belong to no module."""
    (logits,) = (op for op in operations if op.name == "logits")
    made = []
    while logits.x.op is not None and logits.x.op.op_type in ("reshape", "transpose"):
        logits = logits.x.op
        made.append(logits.name)
    return made


@pytest.mark.parametrize("shifted", [False, True])
def test_pixels_are_normalised_inside(shifted):
    scale = np.array([0.01, 0.02, 0.03])
    bias = np.array([-1.0, 0.5, 2.0]) * shifted
    module = Small()
    pixels = Pixels(scale, bias)
    translated = translate(prepared(module), opset=ct.target.iOS17, pixels=pixels)
    names = [op.name for op in translated.program.functions["main"].operations]
    assert ("normalise_scale" in names, "normalise_bias" in names) == (True, shifted)
    photo = (IMAGE * 255).round()
    got = Program.from_mil(translated.program).run({"image": photo.numpy()})["logits"]
    by_channel = [torch.from_numpy(values).reshape(1, 3, 1, 1) for values in (scale, bias)]
    with torch.inference_mode():
        expected = module.double()(photo.double() * by_channel[0] + by_channel[1]).numpy()
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_all_refused_operators_are_listed_with_module_and_line():
    def unknown(x):
        computed = F.conv2d(x, torch.ones(4, 4, 1, 1), x[0, :, 0, 0])
        return torch.cummax(torch.erfinv(x), 3).values + computed

    with pytest.raises(LoweringError) as caught:
        translate(prepared(Small(Step(unknown))), opset=ct.target.iOS17, pixels=None)
    message = str(caught.value)
    assert "got 3 that it does not; replace them in the module" in message
    assert "target='xnnpack'" in message
    listed = message.splitlines()[1:]
    assert [text.split()[0] for text in listed] == [
        "aten.conv2d.default",
        "aten.erfinv.default",
        "aten.cummax.default",
    ]
    assert "(expected a constant bias)" in listed[0]
    inside = [text for text in listed if " in middle, at " in text]
    assert len(inside) == 3


def test_the_line_is_the_user_s_not_the_library_s():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.spread = nn.MaxUnpool2d(2)
            self.register_buffer("places", torch.arange(48).expand(1, 4, 48).reshape(1, 4, 4, 12))

        def forward(self, x):
            return self.spread(x, self.places)  # a line of the user's

    with pytest.raises(LoweringError) as caught:
        translate(prepared(Own(), torch.zeros(1, 4, 4, 12)), opset=ct.target.iOS17, pixels=None)
    assert str(caught.value).endswith("return self.spread(x, self.places)  # a line of the user's")


REFUSED = {
    "a computed bias": (
        lambda x: F.conv2d(x, torch.ones(4, 4, 1, 1), x[0, :, 0, 0]),
        r"aten.conv2d.default \(expected a constant bias\)",
    ),
    "a causal mask and another": (
        lambda x: F.scaled_dot_product_attention(x, x, x, x @ x.mT, is_causal=True),
        "aten.scaled_dot_product_attention.default.*not both",
    ),
    "sorted": (lambda x: x.sort(dim=3, stable=True).values, "aten.sort"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_module_and_the_line(name):
    function, reason = REFUSED[name]

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.step = nn.Conv2d(3, 4, 3, 2, 1), Step(function)

        def forward(self, x):
            return self.step(self.stem(x)).reshape(1, -1)

    with pytest.raises(LoweringError, match=reason) as caught:
        translate(prepared(Wrapped()), opset=ct.target.iOS17, pixels=None)
    assert " in step" in str(caught.value)
    assert "compile with target='xnnpack'" in str(caught.value)
    assert f"{__file__}:" in str(caught.value)


def test_six_dimensions_are_fine_while_no_array_needs_them(agrees):
    class Patches(nn.Module):
        def forward(self, x):
            parts = x.reshape(1, 3, 4, 2, 6, 2).permute(0, 2, 4, 1, 3, 5) * 2
            return parts.permute(0, 3, 1, 4, 2, 5).reshape(1, -1)

    assert agrees(Patches(), IMAGE) == {"mul": 1, "reshape": 1}


# At 64 pixels Swin pads its maps to whole windows, at its own size it does not.
SIZES = {
    "mobilevit_xxs": (64, 64),
    "conformer_ti": (32, 64),
    "shunted_t": (64, 32),
    "swin_t": (64, 64),
}


@pytest.fixture(scope="module")
def family(stirred):
    """`name -> (graph, image, logits of PyTorch)`, made once."""
    made = {}

    def make(name):
        if name not in made:
            size = SIZES[name]
            model = hvit_edge.create_model(name, weights="random", num_classes=10, input_size=size)
            stirred(model)
            image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2))
            with torch.inference_mode():
                logits = model(image).numpy()
            made[name] = (prepared(model, image), image, logits)
        return made[name]

    return make


@pytest.mark.slow
@pytest.mark.parametrize("ios", [17, 18])
@pytest.mark.parametrize("name", SIZES)
def test_families_agree_with_pytorch(name, ios, family):
    graph, image, logits = family(name)
    opset = {17: ct.target.iOS17, 18: ct.target.iOS18}[ios]
    translated = translate(graph, opset=opset, pixels=None)
    got = Program.from_mil(translated.program).run({"image": image.numpy()})["logits"]
    assert got.argmax() == logits.argmax()
    # Both in float32, in their own order of summation through up to 80 layers.
    assert np.abs(got - logits).max() <= 1e-5 * np.abs(logits).max()


# Transposes and reshapes of the whole network at its own size.
MOST_MOVES = {"mobilevit_xs": 33, "conformer_ti": 47, "shunted_t": 127, "swin_t": 110}


@pytest.mark.slow
@pytest.mark.parametrize("name", MOST_MOVES)
def test_networks_move_little(name, family, operators, record_property):
    size = model_info(name).input_size
    if SIZES.get(name) == size:
        graph, _, _ = family(name)
    else:
        graph = prepared(hvit_edge.create_model(name, weights="random"), torch.zeros(1, 3, *size))
    translated = translate(graph, opset=ct.target.iOS17, pixels=None)
    count = operators(translated)
    moves = count["transpose"] + count["reshape"]
    record_property("measured", f"Core ML {name}: {moves} transposes and reshapes")
    assert moves <= MOST_MOVES[name]
    assert not {"gather", "gather_nd", "scatter", "scatter_nd", "matmul", "linear"} & set(count)
    operations = translated.program.functions["main"].operations
    assert max(output.rank for op in operations for output in op.outputs) <= 5


def test_a_last_view_of_six_axes(agrees):
    class Turned(nn.Module):
        def forward(self, x):
            return x.reshape(3, 2, 2, 3, 2, 2).permute(5, 4, 3, 2, 1, 0).reshape(1, -1)

    assert agrees(Turned(), torch.randn(1, 3, 4, 12))["transpose"] == 2


def test_only_what_was_called_is_listed_as_unknown():
    class Sorted(nn.Module):
        def forward(self, x):
            return x.flatten(1).sort(stable=True).values

    graph = prepared(Sorted(), torch.zeros(1, 3, 4, 12))
    with pytest.raises(LoweringError, match="aten.sort") as error:
        translate(graph, opset=ct.target.iOS17, pixels=None)
    assert "getitem" not in str(error.value)
