"""Loading: nesting, precision, detection, and one error for all faults."""

from __future__ import annotations

import argparse
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.models import build_model
from hvit_edge.weights import load_weights, timm, weights_digest
from hvit_edge.weights.load import expected_tensors


def assert_loaded(model, state):
    for key, value in expected_tensors(model).items():
        assert torch.equal(value, state[key]), key


def test_safetensors(model, state, tmp_path):
    save_file(state, tmp_path / "weights.safetensors")
    load_weights(model, tmp_path / "weights.safetensors")
    assert_loaded(model, state)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin"])
def test_pickles(model, state, tmp_path, suffix):
    torch.save(state, tmp_path / f"weights{suffix}")
    load_weights(model, str(tmp_path / f"weights{suffix}"))
    assert_loaded(model, state)


@pytest.mark.parametrize("nested", ["model", "state_dict", "model_state", "model_ema"])
def test_nesting_and_prefix(model, state, nested):
    prefixed = {f"module.{key}": value for key, value in state.items()}
    load_weights(model, {"epoch": 3, nested: prefixed})
    assert_loaded(model, state)


def test_model_comes_before_its_average(model, state):
    other = {key: value + 1 for key, value in state.items()}
    with pytest.warns(UserWarning, match="used the weights under 'model'; it also has 'model_ema'"):
        load_weights(model, {"model_ema": other, "model": state})
    assert_loaded(model, state)
    load_weights(model, {"model_ema": other, "model": state}, weights_key="model_ema")
    assert_loaded(model, other)


def test_parsed_arguments_beside_the_weights(model, state, tmp_path):
    torch.save({"model": state, "args": argparse.Namespace(lr=0.1)}, tmp_path / "w.pth")
    load_weights(model, tmp_path / "w.pth")
    assert_loaded(model, state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(model, state, dtype):
    load_weights(model, {key: value.to(dtype) for key, value in state.items()})
    assert_loaded(model, {key: value.to(dtype).float() for key, value in state.items()})


def test_computed_buffers_are_ignored(model, state):
    extra = {
        "stem.norm.num_batches_tracked": torch.tensor(5),
        "blocks.0.attn.relative_position_index": torch.zeros(49, 49, dtype=torch.int64),
        "blocks.1.attn_mask": torch.zeros(4, 49, 49),
    }
    load_weights(model, state | extra)
    assert_loaded(model, state)


def test_any_module_loads_its_own_keys():
    load_weights(linear := nn.Linear(2, 3), other := nn.Linear(2, 3).state_dict())
    assert_loaded(linear, other)


def test_one_error_lists_every_fault(model, state):
    before = weights_digest(model)
    del state["stem.conv.weight"], state["final.norm.bias"]
    state["surplus"] = torch.zeros(1)
    state["head.bias"] = torch.zeros(11)
    with pytest.raises(InputError) as caught:
        load_weights(model, state)
    message = str(caught.value)
    assert "2 missing: stem.conv.weight, final.norm.bias" in message
    assert "1 unexpected: surplus" in message
    assert "1 misshapen: head.bias (expected [10], got [11])" in message
    assert weights_digest(model) == before


def test_long_lists_are_cut_with_their_counts(model, state):
    kept = {key: value for key, value in state.items() if not key.startswith("stages")}
    missing = len(state) - len(kept)
    with pytest.raises(InputError, match=f"{missing} missing: .*, and {missing - 20} more"):
        load_weights(model, kept)


def test_not_strict_takes_what_fits(model, state):
    del state["stem.conv.weight"]
    before = model.stem.conv.weight.clone()
    load_weights(model, state | {"surplus": torch.zeros(1)}, strict=False)
    assert_loaded(model, state | {"stem.conv.weight": before})


def test_not_strict_still_refuses_a_wrong_shape(model, state):
    state["stem.norm.bias"] = torch.zeros(3)
    with pytest.raises(InputError, match=r"1 misshapen: stem.norm.bias \(expected \[16\]"):
        load_weights(model, state, strict=False)


@pytest.mark.parametrize("name", ["mobilevit_xxs", "conformer_ti"])
def test_another_class_count_names_num_classes(name):
    state = build_model(name, num_classes=4, input_size=64).state_dict()
    with pytest.raises(
        InputError, match=r"expected a head of 10 classes, got one of 4; .*num_classes=4"
    ):
        load_weights(build_model(name, num_classes=10, input_size=64), state)


def test_a_checkpoint_of_another_family(model):
    shunted = build_model("shunted_t", num_classes=10, input_size=64).state_dict()
    with pytest.raises(InputError, match="unexpected"):
        load_weights(model, shunted)
    with pytest.raises(InputError, match="timm MobileViT, transformers MobileViT, ml-cvnets"):
        load_weights(model, {"backbone.weight": torch.zeros(2)})


def test_a_key_that_comes_twice_is_unexpected(model, state):
    converted = timm.MOBILEVIT.convert(state | {"head.fc.bias": torch.zeros(10)})
    assert torch.equal(converted.weights["head.bias"], state["head.bias"])
    with pytest.raises(InputError, match="1 unexpected: head.fc.bias"):
        load_weights(model, state | {"head.fc.bias": torch.zeros(10)})


class Trap:
    """A pickle that would call `print`."""

    def __reduce__(self):
        return (print, ("this must never be printed",))


def test_a_pickle_that_wants_code(model, state, tmp_path, capsys):
    torch.save({"model": state, "trap": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(InputError, match="runs code when it is read; .*weights_only=False"):
        load_weights(model, tmp_path / "trap.pt")
    assert capsys.readouterr().out == ""


def test_damaged_files(model, state, tmp_path):
    torch.save(state, tmp_path / "a.pt")
    save_file(state, tmp_path / "a.safetensors")
    for name in ("a.pt", "a.safetensors"):
        content = (tmp_path / name).read_bytes()
        for cut in (0, 5, len(content) // 2):
            (tmp_path / name).write_bytes(content[:cut])
            with pytest.raises(InputError, match=r"expected a complete .*; download or save it"):
                load_weights(model, tmp_path / name)
    (tmp_path / "garbage.bin").write_bytes(b"\x93NUMPY" * 50)
    with pytest.raises(InputError, match="expected a complete PyTorch checkpoint"):
        load_weights(model, tmp_path / "garbage.bin")


def test_missing_file(model, tmp_path):
    with pytest.raises(InputError, match="got no such file"):
        load_weights(model, tmp_path / "none.pt")
    with pytest.raises(InputError, match="got a folder"):
        load_weights(model, tmp_path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, {"model": {"a": 1}}])
def test_files_without_a_state_dict(model, tmp_path, content):
    with (tmp_path / "a.pt").open("wb") as file:
        torch.save(content, file)
    with pytest.raises(InputError, match="expected tensors by name"):
        load_weights(model, tmp_path / "a.pt")


def test_plain_pickle_is_no_checkpoint(model, tmp_path):
    (tmp_path / "a.bin").write_bytes(pickle.dumps({"a": Trap()}, protocol=2))
    with pytest.raises(InputError):
        load_weights(model, tmp_path / "a.bin")


def test_digest_follows_weights_and_nothing_else(model, state):
    load_weights(model, state)
    digest = weights_digest(model)
    assert len(digest) == 64 and int(digest, 16)
    model.stem.norm.num_batches_tracked.add_(1)
    assert weights_digest(model) == digest
    with torch.no_grad():
        model.head.bias[3] += 1e-6
    assert weights_digest(model) != digest
