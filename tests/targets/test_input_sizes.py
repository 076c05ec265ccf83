"""Every family at the smallest sizes that the registry allows, an odd aspect, few and many classes.

The networks have each family's structure, one block a stage and few channels.
"""

import pytest
import torch

from hvit_edge.lowering import COREML_PIPELINE, NATIVE_PIPELINE, PIPELINE, export_graph, rewrite
from hvit_edge.models import conformer, list_models, mobilevit, model_info, shunted, swin
from hvit_edge.parity.native_runtime import native_step
from hvit_edge.parity.steps import executorch_step
from hvit_edge.targets import xnnpack
from hvit_edge.targets.native.lower import lower as lower_native
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
CLASSES = (1, 2, 3, 21841)
"""One count for each size, the odd aspect last."""
ON_XNNPACK = [*((name, 0) for name in FAMILIES), ("swin_t", 3)]
"""Lowering takes seconds: each family at its smallest size, the one with windows at odd ones."""


def sizes_of(name):
    """The three smallest square sizes, and the smallest that is twice as wide and odd if may be."""
    info = model_info(name)
    sides = [info.min_side + step * info.multiple for step in range(3)]
    wide = 2 * info.min_side + (1 if info.multiple == 1 else 0)
    return [(side, side) for side in sides] + [(sides[1], wide)]


def on_xnnpack(module, x):
    graph = export_graph(module, (x,))
    rewrite(graph, passes=PIPELINE)
    lowered = xnnpack.lower(graph, (x,))
    assert (lowered.delegates, lowered.ops_outside) == (1, [])
    return executorch_step(lowered.serialize())


def on_native(module, x):
    graph = export_graph(module, (x,))
    rewrite(graph, passes=NATIVE_PIPELINE)
    return native_step(lower_native(graph, (x,)), x.shape[2:])


def on_core_ml(module, x):
    import coremltools as ct

    from hvit_edge.coreml import Program
    from hvit_edge.targets.coreml.translate import translate

    graph = export_graph(module, (x,))
    rewrite(graph, passes=COREML_PIPELINE)
    translated = translate(graph, opset=ct.target.iOS17, pixels=None)
    evaluated = Program.from_mil(translated.program)
    return lambda array: evaluated.run({"image": array})["logits"]


def on_core_ml_program(module, x):
    """The delegate runs on Apple systems alone: it is lowered, and its graph evaluated."""
    from hvit_edge.targets import coreml_delegate

    graph = export_graph(module, (x,))
    rewrite(graph, passes=COREML_PIPELINE)
    options = {"precision": "fp32", "ios": 17, "compute_units": "all"}
    lowered = coreml_delegate.lower(graph, (x,), **options)
    assert lowered.delegates == 1
    return lambda array: graph(torch.from_numpy(array)).numpy()


def check(name, place, target, patch):
    size, classes = sizes_of(name)[place], CLASSES[place]
    module = FAMILIES[name](classes, size, patch).eval()
    module.load_state_dict(random_state_dict(module), strict=False)
    x = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = module(x)
        actual = torch.as_tensor(target(module, x)(x.numpy()))
    assert actual.shape == expected.shape == (1, classes)
    assert (actual - expected).abs().max() <= RTOL * expected.abs().max()


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("name", FAMILIES)
def test_native(name, place, monkeypatch):
    check(name, place, on_native, monkeypatch)


@pytest.mark.parametrize(("name", "place"), ON_XNNPACK)
def test_xnnpack(name, place, monkeypatch):
    check(name, place, on_xnnpack, monkeypatch)


@pytest.mark.parametrize("name", FAMILIES)
def test_core_ml(name, monkeypatch):
    check(name, 0, on_core_ml, monkeypatch)


def test_core_ml_program(monkeypatch):
    check("swin_t", 0, on_core_ml_program, monkeypatch)


def test_every_registered_family_is_here():
    known = {model.name.split("_")[0] for model in list_models()}
    assert {name.split("_")[0] for name in FAMILIES} == known
