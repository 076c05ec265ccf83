"""Every family at the smallest sizes that the registry allows, an odd aspect, few and many classes.

The networks have each family's structure, one block a stage and few channels. Each is exported once
for all targets. Lowering takes most of the time: its passes visit every node some thirty times.
"""

import copy
import gc
from functools import cache
from itertools import count, islice

import pytest
import torch

from hvit_edge.compiler import compile_model as compiler
from hvit_edge.errors import InputError
from hvit_edge.lowering import COREML_PIPELINE, NATIVE_PIPELINE, PIPELINE, export_graph, rewrite
from hvit_edge.models import conformer, list_models, mobilevit, registry, shunted, swin
from hvit_edge.targets.executorch import executorch_step
from hvit_edge.targets.native.lower import lower as lower_native
from hvit_edge.targets.native.runtime import native_step
from hvit_edge.targets.xnnpack import lower as xnnpack
from hvit_edge.weights.random_weights import random_state_dict

RTOL = 1e-5  # float32, other orders of summation


def build_mobilevit(classes, size, patch):
    patch.setattr(mobilevit, "TRANSFORMER_DEPTHS", (1, 1, 1))
    config = mobilevit.MobileViTConfig((8, 8, 8, 8, 8), (8, 8, 8), expansion=1, features=8)
    return mobilevit.MobileViT(config, num_classes=classes)


def build_swin(classes, size, patch):
    config = swin.SwinConfig(dim=8, depths=(2, 1, 1, 1), heads=(1, 1, 2, 2))
    return swin.SwinTransformer(config, input_size=size, num_classes=classes)


def build_conformer(classes, size, patch):
    patch.setattr(conformer, "BLOCKS_PER_STAGE", 1)
    config = conformer.ConformerConfig(channels=(16, 16, 16), dim=8, heads=2)
    return conformer.Conformer(config, num_classes=classes)


def build_shunted(classes, size, patch):
    patch.setattr(shunted, "DIMS", (8, 8, 16, 16))
    patch.setattr(shunted, "HEADS", (2, 2, 2, 2))
    return shunted.ShuntedTransformer((1, 1, 1, 1), extra_convs=0, num_classes=classes)


FAMILIES = {
    "mobilevit_xxs": build_mobilevit,
    "swin_t": build_swin,
    "conformer_ti": build_conformer,
    "shunted_t": build_shunted,
}
CLASSES = (1, 21841, 1, 21841)
"""One count for each size, the odd aspect last; each family has both."""
NIGHTLY = (1, 2)
"""The sizes that only `make nightly` compiles: the smallest and the odd one have both counts."""
PLACES = [
    pytest.param(place, marks=pytest.mark.nightly if place in NIGHTLY else ())
    for place in range(len(CLASSES))
]


def is_legal(name, size):
    try:
        registry.check_input_size(name, size)
    except InputError:
        return False
    return True


@cache
def sizes_of(name):
    """The three smallest square sizes, and one more than twice as wide, odd if one is legal."""
    sides = list(islice((side for side in count(1) if is_legal(name, side)), 3))
    least = sides[0]
    wide = [width for width in range(2 * least + 1, 4 * least) if is_legal(name, (least, width))]
    return [*((side, side) for side in sides), (least, min(wide, key=lambda w: (w % 2 == 0, w)))]


@cache
def exported(name, place):
    """The graph of a network, an input, and eager's answer."""
    size, classes = sizes_of(name)[place], CLASSES[place]
    with pytest.MonkeyPatch.context() as patch:
        module = FAMILIES[name](classes, size, patch).eval()
    module.load_state_dict(random_state_dict(module), strict=False)
    x = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = module(x)
    assert expected.shape == (1, classes)
    return export_graph(module, (x,)), x, expected


@cache
def rewritten(name, place, passes):
    graph, x, expected = exported(name, place)
    graph = copy.deepcopy(graph)
    assert not any(report.left_out for report in rewrite(graph, passes=passes))
    return graph, x, expected


def on_xnnpack(graph, x):
    lowered = xnnpack.lower(graph, (x,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    return executorch_step(lowered.serialize())


def on_native(graph, x):
    lowered = lower_native(graph, (x,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    return native_step(lowered)


def on_core_ml(graph, x):
    import coremltools as ct

    from hvit_edge.coreml import Program
    from hvit_edge.targets.coreml.translate import translate

    evaluated = Program.from_mil(translate(graph, opset=ct.target.iOS17, pixels=None).program)
    return lambda array: evaluated.run({"image": array})["logits"]


def on_core_ml_program(graph, x):
    """The delegate runs on Apple systems alone: it is lowered, and its graph evaluated."""
    from hvit_edge.targets.coreml import delegate as coreml_delegate

    options = {"precision": "fp32", "ios": 17, "compute_units": "all"}
    lowered = coreml_delegate.lower(graph, (x,), **options)
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    assert lowered.serialize()
    return lambda array: graph(torch.from_numpy(array)).numpy()


TARGETS = {
    "xnnpack": (on_xnnpack, PIPELINE),
    "native": (on_native, NATIVE_PIPELINE),
    "coreml": (on_core_ml, COREML_PIPELINE),
    "coreml-pte": (on_core_ml_program, COREML_PIPELINE),
}


@pytest.fixture
def no_collections():
    """Collect no garbage while a graph is lowered: that takes a tenth of the time."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", FAMILIES)
def test_each_size_compiles_for_each_target(name, place, target, no_collections):
    lower, passes = TARGETS[target]
    graph, x, expected = rewritten(name, place, passes)
    with torch.inference_mode():
        actual = torch.as_tensor(lower(copy.deepcopy(graph), x)(x.numpy()))
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= RTOL * expected.abs().max()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_sizes_are_the_smallest_and_one_is_wide(name):
    *squares, (height, width) = sizes_of(name)
    rule = registry.model_info(name)
    assert squares == [(rule.min_side + i * rule.multiple,) * 2 for i in range(3)]
    assert width > 2 * height
    assert width % 2 == (rule.multiple == 1)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", FAMILIES)
def test_other_sizes_are_refused_by_name_before_any_work(name, target, tmp_path):
    rule, steps = registry.model_info(name), []
    side = rule.min_side
    sizes = [0, -side, side - 1, (side, side - 1), (0, side), (side,), (side,) * 3]
    sizes += [float(side), (side, side + 0.5), str(side)]
    if rule.multiple > 1:
        sizes += [side + 1, (side + rule.multiple // 2, side)]
    weights = tmp_path / "missing.safetensors"  # reading it would fail otherwise
    refusal = rf"^\[{name}\] input_size: expected sides of at least {side} pixels"
    for size in sizes:
        request = {"target": target, "weights": weights, "input_size": size}
        with pytest.raises(InputError, match=refusal):
            compiler.compile(name, **request, on_step=steps.append)
    assert set(steps) == {"build"}


def test_every_family_of_classifiers_is_here():
    known = {model.name.split("_")[0] for model in list_models() if model.task == "classify"}
    assert {name.split("_")[0] for name in FAMILIES} == known
