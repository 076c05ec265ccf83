"""Checkpoints in several files: the index, the folder, and faults of both."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from hvit_edge.errors import InputError
from hvit_edge.weights import create_model, load_weights
from hvit_edge.weights.load import expected_tensors


def write(folder, state, suffix=".safetensors", stem="model", **changes):
    """Two shards and their index, as transformers writes them."""
    keys = list(state)
    names = [f"{stem}-0000{i}-of-00002{suffix}" for i in (1, 2)]
    parts = [keys[: len(keys) // 2], keys[len(keys) // 2 :]]
    for name, part in zip(names, parts, strict=True):
        content = {key: state[key] for key in part}
        save = save_file if suffix == ".safetensors" else torch.save
        save(content, folder / name)
    table = {key: name for name, part in zip(names, parts, strict=True) for key in part}
    index = folder / f"{stem}{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": table | changes}))
    return index


@pytest.mark.parametrize(("stem", "suffix"), [("model", ".safetensors"), ("pytorch_model", ".bin")])
def test_index_and_folder(model, state, tmp_path, stem, suffix):
    index = write(tmp_path, state, suffix, stem)
    load_weights(model, index)
    for weights in (index, tmp_path):
        built = create_model("mobilevit_xxs", weights=weights, num_classes=10)
        for key, value in expected_tensors(built).items():
            assert torch.equal(value, state[key]), key


def test_one_shard_is_refused(model, state, tmp_path):
    index = write(tmp_path, state)
    shard = tmp_path / "model-00001-of-00002.safetensors"
    with pytest.raises(InputError, match="one of 2 files; pass the folder, or model.safetensors.i"):
        load_weights(model, shard)
    index.unlink()
    with pytest.raises(InputError, match="pass all of them in a folder with model.safetensors.ind"):
        load_weights(model, shard)
    with pytest.raises(InputError, match="without their index"):
        create_model("mobilevit_xxs", weights=tmp_path)


def test_one_message_lists_all_faults(model, state, tmp_path):
    first, last = list(state)[0], list(state)[-1]
    second = "model-00002-of-00002.safetensors"
    index = write(tmp_path, state, absent="model-00003-of-00003.safetensors", **{first: second})
    with pytest.raises(InputError) as caught:
        load_weights(model, index)
    message = str(caught.value)
    assert "model-00003-of-00003.safetensors is missing" in message
    assert f"{second} lacks {first}" in message
    assert f"model-00001-of-00002.safetensors has {first}, which the index does not" in message
    assert last not in message


@pytest.mark.parametrize(
    "table", [{}, [], "x", {"a": 1}, {"a": "../other.safetensors"}, {"a": ".."}, {"a": ""}]
)
def test_what_is_no_index(model, tmp_path, table):
    (tmp_path / "i.json").write_text(json.dumps({"weight_map": table}))
    with pytest.raises(InputError, match="expected (weights, or an index|the names of files)"):
        load_weights(model, tmp_path / "i.json")


def test_a_folder_with_one_file_of_another_name(state, tmp_path):
    torch.save(state, tmp_path / "model_best.pth.tar")
    torch.save({}, tmp_path / "optimizer.bin")
    built = create_model("mobilevit_xxs", weights=tmp_path, num_classes=10)
    assert torch.equal(built.head.bias, state["head.bias"])
    torch.save(state, tmp_path / "last.ckpt")
    with pytest.raises(
        InputError, match="several: last.ckpt, model_best.pth.tar in .*; pass the o"
    ):
        create_model("mobilevit_xxs", weights=tmp_path)


@pytest.mark.parametrize(
    ("names", "remedy"),
    [
        (["__0_0.distcp", ".metadata"], "format_utils dcp_to_torch"),
        (["zero_to_fp32.py", "latest"], "run zero_to_fp32.py in that folder"),
    ],
)
def test_folders_in_parts_name_the_tool_that_joins_them(tmp_path, names, remedy):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=remedy):
        create_model("mobilevit_xxs", weights=tmp_path)
