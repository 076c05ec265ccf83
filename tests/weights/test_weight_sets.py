"""Find the weights in files of trainers: nested, with prefixes, raw and averaged."""

from __future__ import annotations

import re
import warnings

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from hvit_edge.errors import InputError
from hvit_edge.weights import load_weights
from hvit_edge.weights.load import expected_tensors, find_weights

NESTINGS = [
    *("model", "state_dict", "state_dict_ema", "ema", "model_ema", "ema_state_dict", "net"),
    *("network", "module", "weights", "model_state_dict", "anything_else"),
]
PREFIXES = [
    *("module.", "_orig_mod.", "model.", "net.", "backbone.", "timm_model.", "encoder."),
    *("_orig_mod.module.", "module._orig_mod.", "module.module.", "model._orig_mod.net.module."),
    *("backbone._orig_mod.", "_fsdp_wrapped_module.", "model.timm_model.", "classifier.body."),
]


class Net(nn.Module):
    """A network large enough to be recognized, and small enough to be fast."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)) for _ in range(4)
        )
        self.head = nn.Linear(4, 10)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def weights():
    torch.manual_seed(1)
    return {key: torch.randn_like(v.float()).to(v.dtype) for key, v in Net().state_dict().items()}


def assert_loaded(net, weights):
    for key, value in expected_tensors(net).items():
        assert torch.equal(value, weights[key]), key


def under(prefix, weights):
    return {prefix + key: value for key, value in weights.items()}


def averaged(weights):
    return {k: v + 0.5 if v.is_floating_point() else v for k, v in weights.items()}


@pytest.fixture(autouse=True)
def _no_surprise():
    """Turn every warning that a test does not expect into an error, so no choice is silent."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("name", NESTINGS)
def test_nestings(net, weights, name):
    optimizer = {"state": {0: {"exp_avg": torch.zeros(4)}}, "param_groups": [{"lr": 0.1}]}
    content = {"epoch": 3, "optimizer": optimizer, name: weights, "hyper_parameters": {"lr": 0.1}}
    load_weights(net, content)
    assert_loaded(net, weights)
    load_weights(net, {"outer": {"epoch": 3, name: averaged(weights)}, "decay": 0.999})
    assert_loaded(net, averaged(weights))


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes(net, weights, prefix):
    load_weights(net, under(prefix, weights))
    assert_loaded(net, weights)


def test_wrappers_in_the_middle(net, weights):
    wrapped = {
        key.replace("blocks.1.", "blocks.1._orig_mod.").replace(
            "blocks.2.", "blocks.2._checkpoint_wrapped_module."
        ): value
        for key, value in weights.items()
    }
    load_weights(net, {"state_dict": under("model.", wrapped)})
    assert_loaded(net, weights)


def test_backbone_next_to_its_head(net, weights):
    split = {key if key.startswith("head.") else f"backbone.{key}": v for key, v in weights.items()}
    load_weights(net, split)
    assert_loaded(net, weights)
    body = {key: value for key, value in weights.items() if not key.startswith("head.")}
    head = {"weight": weights["head.weight"] + 1, "bias": weights["head.bias"]}
    load_weights(net, {"backbone": body, "head": head, "epoch": 1})
    assert_loaded(net, weights | {"head.weight": weights["head.weight"] + 1})


def test_lightning_leaves_losses_and_metrics_in_the_state_dict(net, weights):
    loss = {"criterion.weight": torch.ones(10), "metric.total": torch.tensor(3)}
    content = {"state_dict": under("model.", weights) | loss, "global_step": 7, "loops": {}}
    with pytest.warns(UserWarning, match=r"2 tensors are not part of the model .*criterion.weight"):
        load_weights(net, content)
    assert_loaded(net, weights)


@pytest.mark.parametrize(
    ("content", "first", "second"),
    [
        (lambda a, b: {"state_dict": a, "state_dict_ema": b}, "state_dict", "state_dict_ema"),
        (lambda a, b: {"model_ema": b, "model": a}, "model", "model_ema"),
        (lambda a, b: {"model": a, "ema": {"module": b, "decay": 0.9}}, "model", "ema"),
        (
            lambda a, b: {"state_dict": under("net.", a) | under("ema_net.module.", b)},
            "state_dict.net",
            "state_dict.ema_net",
        ),
        (lambda a, b: a | under("ema.", b), "the top", "ema"),
        (lambda a, b: {"teacher": b, "student": a}, "student", "teacher"),
        (lambda a, b: {"anything": a, "else": b}, "anything", "else"),
    ],
)
def test_of_two_sets_the_raw_one_is_taken_and_said(net, weights, content, first, second):
    content = content(weights, averaged(weights))
    with pytest.warns(UserWarning, match=f"'{re.escape(second)}'; choose with weights") as caught:
        load_weights(net, content)
    assert len(caught) == 1
    assert_loaded(net, weights)
    load_weights(net, content, weights_key=second)
    assert_loaded(net, averaged(weights))
    load_weights(net, content, weights_key=first)
    assert_loaded(net, weights)


def test_the_key_as_it_is_in_the_file(net, weights):
    content = {"model": weights, "ema": {"module": averaged(weights)}}
    load_weights(net, content, weights_key="ema.module")
    assert_loaded(net, averaged(weights))


def test_an_unknown_key_lists_those_that_there_are(net, weights):
    with pytest.raises(InputError, match="got 'emma'; .* are under model, ema$"):
        load_weights(net, {"model": weights, "ema": averaged(weights)}, weights_key="emma")
    with pytest.raises(InputError, match="got 'ema'; .* are under the top$"):
        load_weights(net, weights, weights_key="ema")


def test_a_key_of_other_tensors_is_refused(net, weights):
    momenta = {key: torch.zeros(2) for key in "abc"}
    with pytest.raises(InputError, match="got 'optimizer'"):
        load_weights(net, {"model": weights, "optimizer": momenta}, weights_key="optimizer")


def test_averaged_model_of_torch(net, weights):
    load_weights(net, weights)
    content = AveragedModel(net).state_dict()
    assert "n_averaged" in content
    fresh = Net().eval()
    load_weights(fresh, content)
    assert_loaded(fresh, weights)


def test_a_model_with_a_module_of_its_own():
    wrapped = nn.DataParallel(nn.Linear(2, 3))
    other = {"module.weight": torch.ones(3, 2), "module.bias": torch.ones(3)}
    load_weights(wrapped, other)
    assert_loaded(wrapped, other)


def test_a_small_module_is_not_found_under_an_unknown_prefix():
    linear = nn.Linear(2, 3)
    other = nn.Linear(2, 3).state_dict()
    load_weights(linear, under("model.", other))
    assert_loaded(linear, other)
    with pytest.raises(InputError, match="none fits: fc1.weight, fc1.bias"):
        load_weights(linear, under("fc1.", other))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floating_point_types(net, weights, dtype):
    stored = {k: v.to(dtype) if v.is_floating_point() else v for k, v in weights.items()}
    load_weights(net, {"state_dict": under("module.", stored)})
    assert_loaded(net, {key: value.float() for key, value in stored.items()})


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (torch.ones(10, 4, dtype=torch.int8), "expected floating-point numbers, got int8"),
        (torch.ones(10, 4, dtype=torch.complex64), "got complex64"),
        (torch.ones(10, 4, device="meta"), "on the meta device"),
        (torch.ones(10, 4).to_sparse(), "got a sparse_coo tensor"),
        (torch.quantize_per_tensor(torch.ones(10, 4), 1.0, 0, torch.qint8), "a quantized tensor"),
    ],
)
def test_values_that_are_no_plain_numbers(net, weights, broken, message):
    with pytest.raises(InputError, match=f"1 of a wrong type: head.weight .*{message}"):
        load_weights(net, weights | {"head.weight": broken})


def test_empty_tensors_of_zero_3(net, weights):
    empty = {k: torch.zeros(0) if v.is_floating_point() else v for k, v in weights.items()}
    with pytest.raises(InputError, match=r"misshapen: .*run zero_to_fp32.py"):
        load_weights(net, {"module": empty})


def test_what_cannot_be_joined_is_not(model):
    prefix = "mobilevit.encoder.layer.2.transformer.layer.0.attention.attention."
    parts = {f"{prefix}{part}.bias": torch.zeros(64) for part in ("query", "key")}
    with pytest.raises(InputError, match="cannot be joined"):
        load_weights(model, parts | {f"{prefix}value.bias": torch.zeros(64, 2)})


def test_a_content_that_holds_itself(net, weights):
    content = {"model": weights}
    content["again"] = content
    load_weights(net, content)
    assert_loaded(net, weights)


def test_published_keys_under_prefixes(model, state):
    chosen = find_weights(model, {"ema": {"module": under("model._orig_mod.", state)}})
    assert chosen.key == "ema.model"
    assert chosen.key_format.name == "hvit-edge"
    assert chosen.weights.keys() == state.keys()


def test_an_optimizer_with_the_names_of_the_weights_is_no_set(net, weights):
    for place in ("optimizer", "optim_state", "g_optimizer"):
        content = {place: {"exp_avg": under("module.", weights)}, "model": weights}
        chosen = find_weights(net, content)
        assert (chosen.key, chosen.others) == ("model", ())


def test_an_average_without_names_is_said_not_to_be_taken(net, weights):
    shadow = {"decay": 0.9, "shadow_params": list(weights.values())}
    with pytest.warns(UserWarning, match=r"did not use .* under 'ema.shadow_params'"):
        load_weights(net, {"model": weights, "ema": shadow})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_weights(net, {"model": weights, "ema": shadow}, weights_key="model")
        load_weights(net, {"model": weights, "optimizer": shadow, "ema": {"steps": [1, 2]}})
