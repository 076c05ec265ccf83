"""The configs that timm writes next to weights."""

import pytest

from hvit_edge.errors import InputError

from .sample_configs import BY_TIMM, TIMM


@pytest.mark.parametrize(
    "arguments",
    [
        {"drop_path_rate": 0.1, "drop_rate": 0.2, "zero_init_last": False},
        {"act_layer": "silu", "output_stride": 32, "global_pool": "avg", "in_chans": 3},
        {"img_size": 96, "num_classes": 4},
        {"act_layer": None},
    ],
)
def test_model_args_of_the_same_network(evidence, arguments):
    assert evidence(config=TIMM | {"model_args": arguments}).preprocess == BY_TIMM


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"act_layer": "gelu"}, "act_layer: expected 'silu', got 'gelu'"),
        ({"num_features": 640}, "num_features: expected none, as in the published network"),
        ({"img_size": 128}, "img_size: expected 96 as in input_size, got 128"),
        ({"img_size": "big"}, "img_size: expected one side in pixels"),
        ({"num_classes": 10}, "num_classes: expected 4 as in num_classes, got 10"),
        ({"in_chans": True}, "in_chans: expected 3, got True"),
        ("relu", "model_args: expected an object, got 'relu'"),
    ],
)
def test_model_args_of_another_network(evidence, arguments, fault):
    with pytest.raises(InputError, match=fault):
        evidence(config=TIMM | {"model_args": arguments})


def test_img_size_of_a_network_with_a_fixed_input(evidence):
    config = TIMM | {"architecture": "swin_tiny_patch4_window7_224.ms_in1k"}
    config["model_args"] = {"img_size": [256, 256]}
    config["pretrained_cfg"] = TIMM["pretrained_cfg"] | {"fixed_input_size": True}
    assert evidence("swin_t", config=config).preprocess.input_size == (256, 256)


def test_a_timm_network_in_transformers(evidence):
    wrapped = TIMM | {"model_type": "timm_wrapper", "architectures": ["TimmWrapperFor"]}
    assert evidence(config=wrapped).preprocess == BY_TIMM


@pytest.mark.parametrize("value", ["x", [1], {"a": None}, True, -1, 1.5, [[3], 2, 1], [3, 0, 0]])
@pytest.mark.parametrize("field", ["input_size", "mean", "crop_pct", "crop_mode", "num_classes"])
def test_timm_values_of_a_wrong_type(evidence, field, value):
    if (field, value) in [("mean", [3, 0, 0]), ("crop_pct", 1.5)]:
        return
    place = TIMM if field == "num_classes" else TIMM["pretrained_cfg"]
    changed = place | {field: value}
    config = changed if field == "num_classes" else TIMM | {"pretrained_cfg": changed}
    with pytest.raises(InputError, match=rf"\[timm config\].*{field}: expected"):
        evidence(config=config)
