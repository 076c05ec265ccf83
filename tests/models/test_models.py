"""Properties that every registered model has."""

from __future__ import annotations

import pytest
import torch

from hvit_edge.errors import InputError
from hvit_edge.models import build_model, list_models, model_info, model_task
from hvit_edge.models.mobilevit import fold, unfold
from hvit_edge.models.swin import Windows
from hvit_edge.weights import create_model

NAMES = [info.name for info in list_models()]
CLASSIFIERS = [info.name for info in list_models() if info.task == "classify"]
SMALL = ["mobilevit_xxs", "conformer_ti", "shunted_t", "swin_t"]  # one a family

# Published counts at the published number of classes, in millions.
PARAMETERS = {
    "mobilevit_xxs": 1.27,
    "mobilevit_xs": 2.32,
    "mobilevit_s": 5.58,
    "conformer_ti": 23.5,
    "conformer_s": 37.7,
    "conformer_b": 83.3,
    "shunted_t": 11.5,
    "shunted_s": 22.4,
    "shunted_b": 39.6,
    "swin_t": 28.3,
    "deeplabv3_mobilevit_xxs": 1.85,
    "deeplabv3_mobilevit_xxs_slim": 1.10,
    "deeplabv3_mobilevit_xs": 2.94,
    "deeplabv3_mobilevit_s": 6.36,
    "ssdlite_mobilevit_xxs": 1.76,
    "ssdlite_mobilevit_xs": 2.74,
    "ssdlite_mobilevit_s": 5.74,
}

# Sizes whose maps are not divisible by the patch or the window, or are smaller than a window.
ODD_SIZES = [
    ("mobilevit_xxs", (160, 160)),
    ("mobilevit_xxs", (224, 288)),
    ("mobilevit_xxs", (100, 72)),
    ("conformer_ti", (96, 160)),
    ("conformer_ti", (192, 192)),
    ("shunted_t", (192, 192)),
    ("shunted_t", (256, 96)),
    ("swin_t", (192, 192)),
    ("swin_t", (256, 160)),
    ("swin_t", (32, 64)),
]


def test_every_model_has_a_published_count():
    assert sorted(PARAMETERS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_parameters_equal_the_published_count(name):
    assert model_info(name).params / 1e6 == pytest.approx(PARAMETERS[name], rel=0.006)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_builds_with_other_classes_at_a_small_size(name):
    with torch.device("meta"):  # tensors without data make the large variants fast
        model = build_model(name, num_classes=7, input_size=64).eval()
        logits = model(torch.rand(1, 3, 64, 64))
    assert logits.shape == (1, 7)
    assert logits.dtype == torch.float32


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(CLASSIFIERS)))
def test_models_of_other_tasks_build_with_other_classes_at_a_small_size(name):
    with torch.device("meta"):
        model = build_model(name, num_classes=7, input_size=(64, 96)).eval()
        found = model(torch.rand(1, 3, 64, 96))
    shapes = [tuple(one.shape) for one in (found if isinstance(found, tuple) else (found,))]
    task = model_task(name, (64, 96))
    task.check_outputs(shapes, "test")
    assert 7 in shapes[0]


@pytest.mark.parametrize("name", SMALL)
def test_default_size_gives_1000_finite_logits_twice_alike(name):
    model = create_model(name, weights="random")
    x = torch.rand(1, 3, *model_info(name).input_size)
    first, second = model(x), model(x)
    assert first.shape == (1, 1000)
    assert torch.isfinite(first).all()
    assert torch.equal(first, second)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), ODD_SIZES)
def test_odd_sizes_and_batches(name, size):
    model = create_model(name, weights="random", num_classes=10, input_size=size).double()
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)).double()
    both = model(x)
    single = torch.cat([model(x[:1]), model(x[1:])])
    assert both.shape == (2, 10)
    # Other batch sizes use other matrix kernels, so results are equal up to rounding.
    assert (both - single).abs().max() <= 1e-10 * both.abs().max()
    assert (both[0] - both[1]).abs().max() > 0


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter(name):
    with torch.enable_grad():
        model = build_model(name, num_classes=5, input_size=64)
        model(torch.rand(2, 3, 64, 64)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_export_at_batch_1_has_no_tensor_beyond_rank_5(name):
    model = create_model(name, weights="random", num_classes=10, input_size=64)
    exported = torch.export.export(model, (torch.rand(1, 3, 64, 64),))
    shapes = {
        node.name: node.meta["val"].shape
        for node in exported.graph.nodes
        if isinstance(node.meta.get("val"), torch.Tensor)
    }
    assert max(map(len, shapes.values())) <= 5
    # Only BatchNorm's counter may be changed in place, and only in training.
    in_place = [
        n.name for n in exported.graph.nodes if n.op == "call_function" and n.name.endswith("_")
    ]
    assert not in_place


def test_fold_undoes_unfold():
    x = torch.rand(2, 5, 6, 10)
    sequences = unfold(x)
    assert sequences.shape == (8, 15, 5)
    assert torch.equal(sequences[0, 1], x[0, :, 0, 2])  # first pixel of the second patch
    assert torch.equal(sequences[7, 14], x[1, :, 5, 9])  # last pixel of the last one
    assert torch.equal(fold(sequences, 6, 10), x)


@pytest.mark.parametrize(("size", "shifted"), [((14, 21), True), ((16, 10), True), ((5, 9), False)])
def test_windows_join_undoes_part(size, shifted):
    windows = Windows.of_block(size, shifted=shifted)
    x = torch.rand(2, *size, 3)
    assert torch.equal(windows.join(windows.part(x)), x)


def test_mask_parts_what_the_shift_brought_together():
    mask = Windows.of_block((14, 14), shifted=True).mask()
    assert mask.shape == (4, 1, 49, 49)
    assert (mask[0] == 0).all()  # no seam in the first window
    assert mask[3, 0, 0, 48] == -100.0  # opposite corners of the map in the last one
    assert mask[3, 0, 48, 48] == 0


def test_swin_refuses_another_input():
    model = build_model("swin_t", num_classes=2, input_size=64).eval()
    with pytest.raises(InputError, match=r"expected an input of \(64, 64\), got \(96, 96\)"):
        model(torch.rand(1, 3, 96, 96))
