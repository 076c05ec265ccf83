"""`create_model`: every kind of source, what it carries, and every refusal."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hvit_edge.errors import InputError
from hvit_edge.models import build_model, list_models
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.weights import (
    bundled_names,
    bundled_photos,
    create_model,
    find_bundled,
    imagenet_labels,
    resolve_weights,
    weights_digest,
)
from hvit_edge.weights.random_weights import random_array, random_state_dict

from .sample_configs import TIMM_1000

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def test_random_weights_are_rebuilt_and_not_trivial():
    model = create_model("mobilevit_xxs", weights="random", num_classes=10)
    again = create_model("mobilevit_xxs", weights="random", num_classes=10)
    assert weights_digest(model) == weights_digest(again)
    assert not model.training
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            assert value.std() > 0, key
    assert model.hvit_edge.weights_source == "random"
    assert model.hvit_edge.labels == ()


def test_random_array_follows_the_recipe():
    generator = np.random.default_rng(0x185D7B35)  # CRC-32 of the key
    normal = generator.standard_normal((4, 16, 3, 3), dtype=np.float32)
    expected = 1.4 * (normal - normal.mean(1, keepdims=True)) / 144**0.5
    actual = random_array("stem.conv.weight", (4, 16, 3, 3), gain=1.4)
    assert np.abs(actual - expected).max() < 1e-6
    few = random_array("stem.conv.weight", (4, 3, 3, 3))
    assert abs(few.sum()) > 0.1  # three channels are not centered
    matrix = random_array("fc1.weight", (8, 16), gain=1.4)
    assert np.array_equal(matrix, random_array("fc1.weight", (8, 16)))
    variance = random_array("norm.running_var", (1000,))
    assert variance.dtype == np.float32
    assert variance.min() >= 0.5 and variance.max() < 1.5


@pytest.mark.parametrize("name", ["mobilevit_xs", "conformer_ti", "shunted_t", "swin_t"])
def test_random_logits_depend_on_the_photo(name):
    model = create_model(name, weights="random")
    inputs = [model.hvit_edge.preprocess(load_image(path)) for path in bundled_photos()]
    with torch.inference_mode():
        logits = np.concatenate([model(torch.from_numpy(array)).numpy() for array in inputs])
    dependent = logits - logits.mean(0)
    assert (dependent**2).sum() > 0.1 * (logits**2).sum()


def test_bundled_cifar10():
    model = create_model("mobilevit_xxs", weights="cifar10")
    origin = model.hvit_edge
    assert (origin.name, origin.weights_source) == ("mobilevit_xxs", "bundled cifar10")
    assert list(origin.labels) == CIFAR10
    assert origin.preprocess.input_size == (64, 64)
    assert find_bundled("mobilevit_xxs", "cifar10").accuracy["cifar10_test_1000"] > 80
    state = resolve_weights("mobilevit_xxs", "cifar10").state_dict
    assert {value.dtype for value in state.values()} == {torch.float32}


def test_bundled_weights_know_the_cat():
    model = create_model("mobilevit_xxs", weights="cifar10")
    chelsea = next(path for path in bundled_photos() if path.stem == "chelsea")
    x = torch.from_numpy(model.hvit_edge.preprocess(load_image(chelsea)))
    with torch.no_grad():
        assert model.hvit_edge.labels[int(model(x).argmax())] == "cat"


def test_bundled_photos_are_small():
    photos = bundled_photos()
    assert [path.stem for path in photos] == ["astronaut", "chelsea", "coffee", "rocket"]
    for path in photos:
        assert path.stat().st_size < 120_000
        assert min(load_image(path).shape[:2]) >= 64 and max(load_image(path).shape) <= 512


def test_bundled_weights_of_another_model():
    assert bundled_names("swin_t") == ()
    with pytest.raises(InputError, match="'cifar10' for swin_t, got none; .*mobilevit_xxs"):
        create_model("swin_t", weights="cifar10")


def test_imagenet_labels():
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert labels[0].startswith("tench")
    assert labels[281].startswith("tabby")
    assert labels[999].startswith("toilet tissue")
    assert all(label.strip() == label and label for label in labels)


def test_path_takes_the_published_preprocessing_and_imagenet_labels(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(random_state_dict(build_model("mobilevit_xxs")), path)
    for weights in (path, str(path)):
        origin = create_model("mobilevit_xxs", weights=weights).hvit_edge
        assert origin.weights_source == "model.safetensors"
        assert origin.preprocess.resize_size == 284
        assert origin.labels == imagenet_labels()


def test_the_class_count_is_that_of_the_head():
    state = random_state_dict(build_model("mobilevit_xxs", num_classes=12))
    with pytest.warns(UserWarning, match="classes: 12, as many as the head in state dict has"):
        model = create_model("mobilevit_xxs", weights=state)
    assert model.head.out_features == 12 and model.hvit_edge.labels == ()
    with pytest.raises(InputError, match="head of 9 classes, got one of 12; .*num_classes=12"):
        create_model("mobilevit_xxs", weights=state, num_classes=9)


def test_a_config_with_another_class_count_than_the_head_is_named(tmp_path):
    state = random_state_dict(build_model("mobilevit_xxs", num_classes=12))
    torch.save(state, tmp_path / "ft.pt")
    (tmp_path / "config.json").write_text('{"architecture": "mobilevit_xxs", "num_classes": 10}')
    with pytest.raises(InputError, match="a head of 12 classes and 10 in config.json; .*=12"):
        create_model("mobilevit_xxs", weights=tmp_path / "ft.pt")


def test_single_fields_of_the_preprocessing():
    given = {"mean": (0.5, 0.5, 0.5), "channel_order": "BGR"}
    origin = create_model("mobilevit_xxs", weights="random", preprocess=given).hvit_edge
    assert (origin.preprocess.mean, origin.preprocess.channel_order) == ((0.5,) * 3, "BGR")
    assert origin.preprocess.resize_size == 284
    assert origin.preprocess_source == "default of mobilevit_xxs; mean, channel_order: argument"
    named = create_model("mobilevit_xxs", weights="random", preprocess="imagenet").hvit_edge
    assert (named.preprocess.input_size, named.preprocess_source) == ((256, 256), "imagenet")


@pytest.mark.filterwarnings("ignore:.weights.")
def test_a_class_count_that_was_asked_for():
    state = random_state_dict(build_model("mobilevit_xxs", num_classes=12))
    model = create_model("mobilevit_xxs", weights=state, num_classes=12)
    assert model.head.out_features == 12
    assert model.hvit_edge.labels == ()
    with pytest.raises(InputError, match="head of 5 classes, got one of 10"):
        create_model("mobilevit_xxs", weights="cifar10", num_classes=5)


def test_input_size_keeps_the_cropped_share():
    model = create_model("mobilevit_xxs", weights="random", input_size=(128, 192))
    assert model.hvit_edge.preprocess == Preprocess(
        (128, 192), resize_size=284 * 192 // 256, interpolation="bicubic"
    )
    bundled = create_model("mobilevit_xxs", weights="cifar10", input_size=96)
    assert bundled.hvit_edge.preprocess.input_size == (96, 96)
    assert bundled.hvit_edge.preprocess.resize_size == 96


def sidecar(**changes):
    return {
        "format": "hvit-edge weights 1",
        "architecture": "mobilevit_xxs",
        "labels": ["cat", "dog"],
        "preprocess": {"input_size": [64, 64], "resize": "stretch"},
    } | changes


@pytest.fixture
def described(tmp_path):
    """Write a weights file of two classes with a JSON file next to it."""
    state = random_state_dict(build_model("mobilevit_xxs", num_classes=2))
    save_file(state, tmp_path / "pets.safetensors")

    def write(content):
        (tmp_path / "pets.json").write_text(content)
        return tmp_path / "pets.safetensors"

    return write


def test_json_beside_a_file(described):
    model = create_model("mobilevit_xxs", weights=described(json.dumps(sidecar())))
    assert model.head.out_features == 2
    assert model.hvit_edge.labels == ("cat", "dog")
    assert model.hvit_edge.preprocess == Preprocess((64, 64), "stretch")


def test_labels_that_do_not_count_the_classes(timm_folder):
    (timm_folder / "config.json").write_text(
        json.dumps(TIMM_1000 | {"label_names": ["cat", "dog"]})
    )
    with pytest.raises(InputError, match="expected 1000 labels for 1000 classes, got 2"):
        create_model("mobilevit_xxs", weights=timm_folder)


def test_what_the_caller_gives_is_called_by_its_options():
    with pytest.raises(InputError, match=r"got 2 from labels=; correct them, or"):
        create_model("mobilevit_xxs", weights="random", num_classes=3, labels=["a", "b"])
    with pytest.raises(InputError, match="give only one of input_size= and preprocess="):
        create_model(
            "mobilevit_xxs",
            weights="random",
            preprocess=Preprocess((64, 64), "stretch"),
            input_size=96,
        )


def test_json_of_another_format_is_not_ours(described):
    path = described(json.dumps({"classes": ["cat"]}))
    assert resolve_weights("mobilevit_xxs", path).labels == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON next to the weights"),
        (json.dumps(sidecar(architecture="swin_t")), "which is for swin_t"),
        (json.dumps({"format": "hvit-edge weights 1"}), "expected architecture, labels, preproc"),
        (json.dumps(sidecar(labels=["cat"] * 3)), "a head of 2 classes and 3 in pets.json"),
        (json.dumps(sidecar(preprocess={"input_size": [0, 1]})), r"\[Preprocess\] input_size"),
        (json.dumps(sidecar(preprocess={"size": 1})), "expected the fields of Preprocess"),
    ],
)
def test_faulty_json_beside_a_file(described, content, message):
    with pytest.raises(InputError, match=message):
        create_model("mobilevit_xxs", weights=described(content))


@pytest.mark.parametrize(
    "name", [info.name for info in list_models() if not info.default.hub and info.default.files]
)
def test_models_without_a_hub_checkpoint_say_where_to_find_it(name):
    with pytest.raises(InputError, match=r"(drive links|model zoo) of github.com/\w+/[\w-]+; down"):
        create_model(name)


def test_a_model_that_nobody_published_names_its_bundled_weights():
    with pytest.raises(InputError, match="none are published; pass the bundled ones as weights='s"):
        create_model("deeplabv3_mobilevit_xxs_slim")


@pytest.mark.parametrize("request_", [{"num_classes": 0}, {"input_size": 0}])
def test_zero_is_not_taken_for_none(request_):
    with pytest.raises(InputError, match="expected .*at least"):
        create_model("mobilevit_xxs", weights="random", **request_)


def test_weights_of_another_type():
    with pytest.raises(InputError, match=r"a state dict, got MobileViT; .*state_dict\(\)"):
        create_model("mobilevit_xxs", weights=build_model("mobilevit_xxs"))


def test_unknown_weights_name():
    with pytest.raises(InputError, match="one of random, cifar10; got 'imagenet'"):
        create_model("mobilevit_xxs", weights="imagenet")


def test_unknown_model_is_reported_before_its_weights():
    with pytest.raises(InputError, match="did you mean 'swin_t'"):
        create_model("swin_tt", weights="random")
