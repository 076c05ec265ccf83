"""Key maps whose published implementation cannot be run in a golden, and their configs."""

from __future__ import annotations

import re

import pytest
import torch

from hvit_edge.errors import InputError
from hvit_edge.models import build_model
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from hvit_edge.weights import load_weights, timm, transformers, weights_digest
from hvit_edge.weights.load import detect, expected_tensors
from hvit_edge.weights.random_weights import random_state_dict


def cvnets_key(key: str) -> str:
    """Return ml-cvnets' name of our MobileViT parameter `key`, the inverse of the key map."""
    last_norms = {2: 2, 3: 4, 4: 3}
    parts = key.split(".")
    top = {"stem": "conv_1.block", "final": "conv_1x1_exp.block", "head": "classifier.fc"}
    if parts[0] in top:
        return ".".join([top[parts[0]], *parts[1:]])
    _, stage, block, layer, *rest = parts
    prefix = f"layer_{int(stage) + 1}.{block}"
    residual = {"expand": "exp_1x1", "depthwise": "conv_3x3", "project": "red_1x1"}
    outer = {"unembed": "conv_proj", "fuse": "fusion", "local": "local_rep.conv_3x3"}
    inner = {
        "norm1": "pre_norm_mha.0",
        "attn.qkv": "pre_norm_mha.1.qkv_proj",
        "attn.proj": "pre_norm_mha.1.out_proj",
        "norm2": "pre_norm_ffn.0",
        "mlp.fc1": "pre_norm_ffn.1",
        "mlp.fc2": "pre_norm_ffn.4",
    }
    if layer in residual:
        return ".".join([prefix, "block", residual[layer], "block", *rest])
    if layer in outer:
        return ".".join([prefix, outer[layer], "block", *rest])
    if layer == "embed":
        return f"{prefix}.local_rep.conv_1x1.block.conv.weight"
    if layer == "norm":
        return f"{prefix}.global_rep.{last_norms[int(stage)]}.{rest[0]}"
    depth, *name, kind = rest
    return f"{prefix}.global_rep.{depth}.{inner['.'.join(name)]}.{kind}"


@pytest.mark.parametrize("prefix", ["", "encoder."])
def test_cvnets_mobilevit_both_ways(prefix):
    model = build_model("mobilevit_xs", num_classes=10)
    state = random_state_dict(model)
    published = {prefix + cvnets_key(key): value for key, value in state.items()}
    assert len(published) == len(state)
    assert f"{prefix}layer_4.1.global_rep.4.weight" in published
    key_format, converted = detect(model, published)
    assert key_format.name == "ml-cvnets MobileViT"
    assert converted.weights.keys() == state.keys()
    load_weights(model, published)
    assert all(torch.equal(expected_tensors(model)[key], state[key]) for key in state)


@pytest.mark.parametrize("name", ["shunted_s", "shunted_b"])
def test_shunted_stems_with_more_convolutions(name):
    with torch.device("meta"):
        model = build_model(name)
    own = expected_tensors(model)
    published = {_shunted_key(key): value for key, value in own.items()}
    assert "patch_embed1.conv.3.weight" in published
    assert "block3.11.attn.local_conv2.bias" in published
    key_format, converted = detect(model, published)
    assert key_format.name == "official Shunted Transformer"
    assert converted.weights.keys() == own.keys()


def _shunted_key(key: str) -> str:
    if key.startswith("head."):
        return key
    _, stage, part, rest = key.split(".", 3)
    number = int(stage) + 1
    names = {
        "attn.coarse.reduce": "attn.sr1",
        "attn.coarse.norm": "attn.norm1",
        "attn.coarse.kv": "attn.kv1",
        "attn.coarse.local": "attn.local_conv1",
        "attn.fine.reduce": "attn.sr2",
        "attn.fine.norm": "attn.norm2",
        "attn.fine.kv": "attn.kv2",
        "attn.fine.local": "attn.local_conv2",
        "attn.local": "attn.local_conv",
        "mlp.local": "mlp.dwconv.dwconv",
    }
    for ours, theirs in names.items():
        rest = re.sub(rf"\b{ours}\.", f"{theirs}.", rest)
    if part == "embed" and number > 1:
        rest = rest.replace("conv.", "proj.")
    return {"embed": "patch_embed", "blocks": "block", "norm": "norm"}[part] + f"{number}.{rest}"


def test_transformers_5_in_memory_names_of_swin():
    with torch.device("meta"):
        model = build_model("swin_t")
    prefix = "swin.encoder.layers.2.blocks.5.attention."
    state = {f"{prefix}{part}_proj.weight": torch.zeros(384, 384) for part in "qkvo"}
    state[f"{prefix}relative_position_bias.relative_position_bias_table"] = torch.zeros(169, 12)
    converted = transformers.SWIN.convert(state).weights
    assert {key: list(value.shape) for key, value in converted.items()} == {
        "stages.2.blocks.5.attn.attn.qkv.weight": [1152, 384],
        "stages.2.blocks.5.attn.attn.proj.weight": [384, 384],
        "stages.2.blocks.5.attn.bias_table": [169, 12],
    }
    assert converted.keys() <= expected_tensors(model).keys()


def test_an_incomplete_qkv_is_reported_by_published_name():
    model = build_model("mobilevit_xxs", num_classes=10)
    key = "mobilevit.encoder.layer.2.transformer.layer.0.attention.attention.query.bias"
    with pytest.raises(InputError, match=f"1 unexpected: {key}"):
        load_weights(model, {key: torch.zeros(64), "classifier.bias": torch.zeros(10)})


def test_random_weights_are_the_same_everywhere():
    model = build_model("mobilevit_xxs", num_classes=10)
    load_weights(model, random_state_dict(model))
    # Pinned: artifacts compiled elsewhere from random weights carry this digest.
    assert (
        weights_digest(model) == "fd95c627ba0d00d9edab4dac4b707b110f0d617b0cab5c75b00c84a236da1aac"
    )


TIMM = {
    "architecture": "mobilevit_xs",
    "num_classes": 1000,
    "pretrained_cfg": {
        "tag": "cvnets_in1k",
        "input_size": [3, 256, 256],
        "interpolation": "bicubic",
        "crop_pct": 0.9,
        "crop_mode": "center",
        "mean": [0.0, 0.0, 0.0],
        "std": [1.0, 1.0, 1.0],
        "num_classes": 1000,
    },
}


def timm_with(**fields):
    return TIMM | {"pretrained_cfg": TIMM["pretrained_cfg"] | fields}


def test_timm_config():
    expected = Preprocess((256, 256), resize_size=284, interpolation="bicubic")
    assert timm.read_preprocess(TIMM) == expected
    assert timm.read_labels(TIMM) == ()
    assert timm.read_num_classes(TIMM) == 1000
    squash = timm.read_preprocess(timm_with(crop_mode="squash", crop_pct=1.0))
    assert (squash.resize, squash.resize_size) == ("stretch", 0)
    cropped = timm.read_preprocess(timm_with(crop_mode="squash", crop_pct=0.9))
    assert (cropped.resize, cropped.resize_size) == ("stretch", 284)
    wide = timm_with(crop_mode="squash", crop_pct=1.0, input_size=[3, 128, 96])
    assert timm.read_preprocess(wide).input_size == (128, 96)


def test_timm_labels():
    config = timm_with(label_names=["n1", "n2"], label_descriptions={"n1": "cat"})
    assert timm.read_labels(config) == ("cat", "n2")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"crop_mode": "border"}, "crop_mode: expected 'center'"),
        (
            {"crop_mode": "squash", "input_size": [3, 128, 96]},
            "crop_pct: expected 1 with the sides",
        ),
        ({"input_size": [3, 256, 224]}, "input_size"),
        ({"input_size": [1, 256, 256]}, "input_size"),
        ({"interpolation": "box"}, "interpolation: expected one of bilinear, bicubic, lanczos"),
        ({"std": [0.0, 1.0, 1.0]}, "std"),
        ({"crop_pct": 1.5}, "resize_size"),
    ],
)
def test_timm_values_that_cannot_be_met(fields, message):
    with pytest.raises(InputError, match=message):
        timm.read_preprocess(timm_with(**fields))


def test_missing_keys_have_the_defaults_of_timm():
    # timm.models.PretrainedCfg() of timm 1.0.31.
    expected = Preprocess(
        (224, 224), resize_size=256, interpolation="bicubic", mean=IMAGENET_MEAN, std=IMAGENET_STD
    )
    for cfg in ({}, {"mean": None, "input_size": None, "crop_pct": None}):
        assert timm.read_preprocess({"architecture": "swin_t", "pretrained_cfg": cfg}) == expected


def test_old_timm_config():
    old = TIMM["pretrained_cfg"] | {"architecture": "mobilevit_xs", "labels": ["a", "b"]}
    assert timm.read_preprocess(old) == timm.read_preprocess(TIMM)
    assert timm.read_labels(old) == ("a", "b")
    assert timm.read_num_classes(old) == 1000


APPLE = {  # as in Apple's first files
    "crop_size": 256,
    "do_center_crop": True,
    "do_flip_channel_order": True,
    "do_resize": True,
    "feature_extractor_type": "MobileViTFeatureExtractor",
    "resample": 2,
    "size": 288,
}
MICROSOFT = {
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "ViTFeatureExtractor",
    "image_mean": list(IMAGENET_MEAN),
    "image_std": list(IMAGENET_STD),
    "resample": 3,
    "size": 224,
}


def test_transformers_preprocessor_of_mobilevit():
    expected = Preprocess(
        (256, 256), resize_size=288, interpolation="bilinear", channel_order="BGR"
    )
    assert transformers.read_preprocess(APPLE) == expected
    newer = APPLE | {
        "crop_size": {"height": 256, "width": 256},
        "size": {"shortest_edge": 288},
        "do_rescale": True,
        "rescale_factor": 0.00392156862745098,
        "image_processor_type": "MobileViTImageProcessor",
    }
    assert transformers.read_preprocess(newer) == expected


def test_transformers_preprocessor_of_swin():
    assert transformers.read_preprocess(MICROSOFT) == Preprocess(
        (224, 224),
        resize="stretch",
        interpolation="bicubic",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_processor_type": "LevitImageProcessor"}, "MobileViT or ViT one"),
        ({"do_resize": False}, "do_resize: expected true"),
        ({"do_rescale": False}, "do_rescale: expected true"),
        ({"rescale_factor": 1 / 127.5}, "rescale_factor: expected 1/255"),
        ({"resample": 1}, "resample: expected 2 or 3, got 1"),
        ({"resample": None}, "resample: expected 2 or 3, got None"),
        ({"do_normalize": True}, "do_normalize: expected false, got true, which MobileViT"),
        ({"size": {"height": 288, "width": 288}}, "size: expected shortest_edge"),
        ({"do_center_crop": False}, "size: expected height and width"),
        ({"size": {"shortest_edge": 128}}, "resize_size: expected at least 256"),
        ({"crop_size": {"shortest_edge": 1}}, "crop_size: expected height and width"),
    ],
)
def test_transformers_values_that_cannot_be_met(fields, message):
    with pytest.raises(InputError, match=message):
        transformers.read_preprocess(APPLE | fields)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "vit"}, "model_type: expected mobilevit or swin, got 'vit'"),
        ({"model_type": "mobilevit", "hidden_act": "relu"}, "hidden_act: expected silu"),
        ({"model_type": "swin", "window_size": 12}, "window_size: expected 7, got 12"),
    ],
)
def test_transformers_config_of_another_network(config, message):
    with pytest.raises(InputError, match=message):
        transformers.check_config(config)


def test_transformers_labels():
    assert transformers.read_labels({"id2label": {"1": "dog", "0": "cat"}}) == ("cat", "dog")
    assert transformers.read_labels({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}) == ()
