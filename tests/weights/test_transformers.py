"""The configs and processors that transformers writes next to weights."""

import pytest

from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights.evidence import Given, read_evidence
from hvit_edge.weights.hub import files_in
from hvit_edge.weights.transformers import check_config, read_preprocess

from .sample_configs import APPLE, HUGGING, PROCESSOR


@pytest.mark.parametrize(
    ("name", "changes", "fault"),
    [
        ("mobilevit_xxs", {"hidden_act": "relu"}, "hidden_act: expected silu, got relu"),
        ("mobilevit_xxs", {"output_stride": 16}, "output_stride: expected 32, got 16"),
        ("mobilevit_xs", {}, "hidden_sizes: expected .96, 120, 144.*expand_ratio: expected 4.0"),
        ("swin_t", {}, "model_type: expected swin, got 'mobilevit'"),
        ("conformer_ti", {}, "as transformers has no conformer_ti, got 'mobilevit'"),
        ("mobilevit_xxs", {"model_type": "vit"}, "model_type: expected mobilevit, got 'vit'"),
        ("mobilevit_xxs", {"model_type": 3}, "model_type: expected mobilevit, got 3"),
        ("mobilevit_xxs", {"num_channels": 1}, "num_channels: expected 3, got 1"),
        ("mobilevit_xxs", {"qkv_bias": 1}, "qkv_bias: expected True, got 1"),
        (
            "mobilevit_xxs",
            {"quantization_config": {"bits": 8}},
            "quantization_config: expected none",
        ),
        (
            "mobilevit_xxs",
            {"architectures": ["MobileViTForSemanticSegmentation"]},
            "a classifier|an",
        ),
        ("mobilevit_xxs", {"problem_type": "multi_label_classification"}, "problem_type"),
        ("mobilevit_xxs", {"num_labels": 7}, "num_labels: expected 4, as many as id2label has"),
        ("mobilevit_xxs", {"id2label": {"0": "a", "2": "b"}}, "got none for: 1"),
        ("mobilevit_xxs", {"id2label": 7}, "got int"),
    ],
)
def test_a_transformers_config_of_another_network(evidence, name, changes, fault):
    with pytest.raises(InputError, match=fault):
        evidence(name, config=HUGGING | changes)


def test_swin_depths():
    check_config({"model_type": "swin", "depths": [2, 2, 6, 2], "drop_path_rate": 0.3}, "swin_t")
    with pytest.raises(InputError, match=r"depths: expected \[2, 2, 6, 2\], got \[2, 2, 18, 2\]"):
        check_config({"model_type": "swin", "depths": [2, 2, 18, 2]}, "swin_t")


def test_labels_that_are_numbers(evidence):
    config = HUGGING | {"id2label": {"0": 0, "1": 1, "2": 2, "3": 3}}
    assert evidence(config=config).labels == ("0", "1", "2", "3")


# Outputs of transformers 5.24's own classes for these files.
@pytest.mark.parametrize(
    ("model_type", "content", "expected"),
    [
        ("swin", {}, Preprocess((224, 224), "stretch", 0, "bilinear", (0.5,) * 3, (0.5,) * 3)),
        (
            None,
            {"image_processor_type": "ViTImageProcessor", "image_mean": 0.3},
            Preprocess((224, 224), "stretch", 0, "bilinear", (0.3,) * 3, (0.5,) * 3),
        ),
        (
            None,
            {
                "image_processor_type": "ViTImageProcessor",
                "size": {"shortest_edge": 256},
                "crop_size": 224,
                "do_center_crop": True,
                "do_normalize": False,
            },
            Preprocess((224, 224), resize_size=256, interpolation="bilinear"),
        ),
        (
            "mobilevit",
            {"size": 288},
            Preprocess((256, 256), resize_size=288, interpolation="bicubic", channel_order="BGR"),
        ),
    ],
)
def test_missing_keys_have_the_defaults_of_transformers(model_type, content, expected):
    assert read_preprocess(content, model_type) == expected


def test_defaults_that_would_pad(evidence):
    with pytest.raises(InputError, match="resize_size: expected at least 256, .* got 224"):
        evidence(preprocessor_config={"image_processor_type": "MobileViTImageProcessor"})


@pytest.mark.parametrize("value", ["x", [1], {"a": None}, True, -1, 1.5])
@pytest.mark.parametrize("field", ["size", "crop_size", "resample", "do_resize", "rescale_factor"])
def test_values_of_a_wrong_type(evidence, field, value):
    if (field, value) == ("do_resize", True):
        return
    with pytest.raises(InputError, match=rf"\[preprocessor_config\].*{field}: expected"):
        evidence(preprocessor_config=PROCESSOR | {field: value})


def test_two_processors(evidence, write):
    both = {"preprocessor_config": PROCESSOR, "processor_config": {"image_processor": PROCESSOR}}
    assert evidence(**both).preprocess_source == "preprocessor_config.json"
    both["processor_config"] = {"image_processor": PROCESSOR | {"resample": 3}}
    with pytest.raises(InputError, match="preprocessor_config.json and processor_config.json to"):
        evidence(**both)
    given = Given(preprocess=APPLE)
    read_evidence("mobilevit_xxs", "model.pth", files_in(write(**both)), given)
