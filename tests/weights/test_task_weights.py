"""Weights of models that segment or detect: preprocessing, labels and number of classes."""

import json

import pytest
from safetensors.torch import save_file

from hvit_edge.errors import InputError
from hvit_edge.models import build_model, model_info
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights import create_model, load_weights
from hvit_edge.weights.bundled import data_labels, find_bundled
from hvit_edge.weights.random_weights import random_state_dict

SEGMENTER, DETECTOR = "deeplabv3_mobilevit_xxs", "ssdlite_mobilevit_xxs"
CONFIG = {
    "architectures": ["MobileViTForSemanticSegmentation"],
    "model_type": "mobilevit",
    "hidden_sizes": [64, 80, 96],
    "neck_hidden_sizes": [16, 16, 24, 48, 64, 80, 320],
    "expand_ratio": 2.0,
    "image_size": 512,
    "output_stride": 16,
    "aspp_out_channels": 256,
    "atrous_rates": [6, 12, 18],
}
"""The keys of the published config that define the network."""
PROCESSOR = {
    "feature_extractor_type": "MobileViTFeatureExtractor",
    "resample": 2,
    "size": 544,
    "crop_size": 512,
    "do_center_crop": True,
    "do_flip_channel_order": True,
}


@pytest.fixture
def folder(tmp_path):
    """`(classes, **changes) -> folder` laid out as the published repositories on the hub."""

    def write(classes: int = 21, **changes):
        labels = {str(index): f"class {index}" for index in range(classes)}
        config = {**CONFIG, "id2label": labels, **changes}
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
        model = build_model(SEGMENTER, num_classes=classes)
        save_file(random_state_dict(model), tmp_path / "model.safetensors")
        return tmp_path

    return write


def test_a_published_repository_says_how_it_was_evaluated(folder):
    model = create_model(SEGMENTER, weights=folder())
    assert model.hvit_edge.preprocess == Preprocess(
        (512, 512), resize_size=544, interpolation="bilinear", channel_order="BGR"
    )
    assert model.hvit_edge.preprocess_source == "preprocessor_config.json"
    assert model.hvit_edge.labels[20] == "class 20" and model.head.out_channels == 21


def test_an_app_scales_the_whole_photo(folder):
    model = create_model(SEGMENTER, weights=folder(), preprocess={"resize": "stretch"})
    assert model.hvit_edge.preprocess == Preprocess(
        (512, 512), resize="stretch", interpolation="bilinear", channel_order="BGR"
    )


def test_the_head_says_how_many_classes_there_are(folder):
    assert create_model(SEGMENTER, weights=folder(classes=5)).head.out_channels == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output_stride": 32}, r"output_stride: expected 16, got 32"),
        ({"atrous_rates": [12, 24, 36]}, r"atrous_rates: expected \[6, 12, 18\]"),
        ({"aspp_out_channels": 128}, "aspp_out_channels: expected 256, got 128"),
        ({"hidden_sizes": [96, 120, 144]}, "hidden_sizes"),
        ({"architectures": ["MobileViTForImageClassification"]}, "a segmentation model"),
        ({"model_type": "swin"}, "model_type: expected mobilevit, got 'swin'"),
    ],
)
def test_a_config_of_another_network(folder, changes, message):
    with pytest.raises(InputError, match=message):
        create_model(SEGMENTER, weights=folder(**changes))


@pytest.mark.parametrize("name", [SEGMENTER, DETECTOR])
def test_a_file_alone_has_the_classes_of_its_data_set(name, recwarn):
    model = create_model(name, weights=random_state_dict(build_model(name)))
    origin, default = model.hvit_edge, model_info(name).default
    assert origin.labels == data_labels(default.data)
    assert origin.labels_source == f"assumed: {default.data}"
    assert origin.preprocess == default.preprocess
    said = [str(one.message) for one in recwarn]
    assert any(f"labels assumed: those of {default.data}" in one for one in said)
    assert any("preprocessing assumed: both sides to" in one for one in said)


@pytest.mark.parametrize("classes", [2, 4, 91])
def test_a_detectors_classes_are_counted_without_its_offsets(classes, recwarn):
    model = create_model(
        DETECTOR, weights=random_state_dict(build_model(DETECTOR, num_classes=classes))
    )
    assert model.heads[0].values == 4 + classes
    assert model.hvit_edge.labels == ()


def test_a_detector_has_a_label_for_each_class_after_the_background():
    state = random_state_dict(build_model(DETECTOR, num_classes=3))
    given = {"preprocess": model_info(DETECTOR).default.preprocess}
    model = create_model(DETECTOR, weights=state, labels=["cat", "dog"], **given)
    assert model.hvit_edge.labels == ("cat", "dog") and model.heads[0].values == 7
    with pytest.raises(InputError, match="expected 2 labels for 2 classes without the background"):
        create_model(DETECTOR, weights=state, labels=["a", "b", "c"], num_classes=3, **given)


def test_another_number_of_classes_is_refused():
    model = build_model(SEGMENTER, num_classes=4)
    with pytest.raises(InputError, match="expected a head of 4 classes, got one of 21"):
        load_weights(model, random_state_dict(build_model(SEGMENTER)))


def test_random_weights_have_the_published_number_of_classes():
    assert create_model(SEGMENTER, weights="random").head.out_channels == 21
    assert create_model(DETECTOR, weights="random", num_classes=4).heads[0].values == 8


def test_bundled_segmenter():
    model = create_model("deeplabv3_mobilevit_xxs_slim", weights="shapes")
    origin = model.hvit_edge
    assert origin.weights_source == "bundled shapes"
    assert origin.labels[:2] == ("background", "circle") and len(origin.labels) == 7
    assert origin.photos == Preprocess((160, 160), resize="stretch", interpolation="bilinear")
    assert find_bundled("deeplabv3_mobilevit_xxs_slim", "shapes").file.stat().st_size < 2.5e6


def test_model_without_published_weights():
    with pytest.raises(InputError, match="none are published; pass .* weights='shapes'"):
        create_model("deeplabv3_mobilevit_xxs_slim")
