"""The files next to a weights file give the same for a folder and for the file in it."""

from __future__ import annotations

import json
import warnings

import pytest
import torch
from safetensors.torch import save_file

from hvit_edge.errors import InputError
from hvit_edge.models import build_model
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from hvit_edge.weights import create_model, imagenet_labels, resolve_weights
from hvit_edge.weights.evidence import Given, read_evidence, read_preprocess_file
from hvit_edge.weights.hub import files_in
from hvit_edge.weights.random_weights import random_state_dict

from .sample_configs import (
    APPLE,
    BY_PROCESSOR,
    BY_TIMM,
    HUGGING,
    LABELS,
    PROCESSOR,
    SIDECAR,
    TIMM,
)


@pytest.fixture(scope="module")
def state():
    return random_state_dict(build_model("mobilevit_xxs", num_classes=4))


@pytest.mark.parametrize(
    ("name", "files", "expected"),
    [
        ("model.safetensors", {"config": TIMM}, BY_TIMM),
        ("mine.ckpt", {"config": TIMM}, BY_TIMM),
        ("pytorch_model.bin", {"config": HUGGING, "preprocessor_config": PROCESSOR}, BY_PROCESSOR),
        (
            "model.safetensors",
            {"config": HUGGING, "processor_config": {"image_processor": PROCESSOR}},
            BY_PROCESSOR,
        ),
    ],
)
def test_a_file_says_what_its_folder_says(write, state, name, files, expected):
    folder = write(**files)
    save = save_file if name.endswith("safetensors") else torch.save
    save(state, folder / name)
    for weights in (folder, str(folder / name)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            source = resolve_weights("mobilevit_xxs", weights)
        assert source.preprocess == expected
        assert source.labels == tuple(LABELS)
        assert source.num_classes == 4
        assert source.preprocess_source.endswith("config.json")
        assert source.labels_source == "config.json"
        assert source.notes == ()


def test_the_key_format_decides_where_nothing_else_does(write):
    """The keys of ml-cvnets, whose networks take BGR, and those of transformers' files of them."""
    names = ("conv_1.block.conv.weight", "mobilevit.conv_stem.convolution.weight")
    for name, key_format in zip(names, ("ml-cvnets", "transformers"), strict=True):
        source = resolve_weights("mobilevit_xxs", {name: torch.zeros(16, 3, 3, 3)})
        assert source.preprocess == APPLE
        assert source.preprocess_source == f"key format of {key_format} MobileViT"
    source = resolve_weights("swin_t", {"swin.layernorm.weight": torch.zeros(768)})
    assert source.preprocess == Preprocess(
        (224, 224), "stretch", 0, "bicubic", IMAGENET_MEAN, IMAGENET_STD
    )
    folder = write(config=TIMM)
    torch.save({names[0]: torch.zeros(16, 3, 3, 3)}, folder / "w.pt")
    assert resolve_weights("mobilevit_xxs", folder / "w.pt").preprocess == BY_TIMM


def test_the_image_size_of_a_config_without_a_processor(write, evidence):
    config = {"model_type": "swin", "id2label": HUGGING["id2label"], "image_size": 256}
    folder = write(config=config)
    hugging = {f"swin.layernorm.{part}": torch.zeros(768) for part in ("weight", "bias")}
    torch.save(hugging, folder / "model.pth")
    source = resolve_weights("swin_t", folder / "model.pth")
    assert source.preprocess.input_size == (256, 256)
    assert source.preprocess.resize == "stretch"
    assert source.preprocess_source == (
        "key format of transformers Swin, at the image_size of config.json"
    )
    with pytest.raises(InputError, match="image_size: expected pixels"):
        evidence(config=HUGGING | {"image_size": [256, "x"]})
    assert evidence(config=HUGGING | {"image_size": 256}).input_size == (256, 256)


def test_the_default_is_said(tmp_path, state):
    save_file(state, tmp_path / "w.safetensors")
    with pytest.warns(UserWarning, match="preprocessing assumed: shorter side to 71, center 64x64"):
        model = create_model(
            "mobilevit_xxs", weights=tmp_path / "w.safetensors", num_classes=4, input_size=64
        )
    assert model.hvit_edge.preprocess_source == "assumed: default of mobilevit_xxs"
    assert model.hvit_edge.notes[0].startswith("[weights] preprocessing assumed: ")


def test_arguments_come_first(write, state):
    folder = write(config=TIMM | {"label_names": "nonsense", "pretrained_cfg": {"crop_pct": "x"}})
    save_file(state, folder / "model.safetensors")
    wanted = Preprocess((64, 64), "stretch")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = create_model(
            "mobilevit_xxs",
            weights=folder,
            preprocess=wanted,
            labels={"a": 0, "b": 1, "c": 2, "d": 3},
        )
    origin = model.hvit_edge
    assert (origin.preprocess, origin.preprocess_source) == (wanted, "argument")
    assert (origin.labels, origin.labels_source) == (tuple("abcd"), "argument")
    with pytest.raises(InputError, match="preprocess: expected fields of Preprocess, got side"):
        create_model("mobilevit_xxs", weights=folder, preprocess={"side": 64})
    with pytest.raises(InputError, match="input_size: expected .* as in preprocess"):
        create_model("mobilevit_xxs", weights=folder, preprocess=wanted, labels=[], input_size=96)


def test_one_message_lists_the_faults_of_all_parts(evidence):
    config = TIMM | {
        "architecture": "resnet50",
        "label_names": ["a", None],
        "model_args": {"act_layer": "relu", "output_stride": 16},
        "pretrained_cfg": {"mean": "x", "std": [1, 2], "crop_pct": "0.9", "input_size": [3, 96]},
    }
    with pytest.raises(InputError) as caught:
        evidence(config=config)
    message = str(caught.value)
    for fault in (
        "architecture: expected mobilevit_xxs, got 'resnet50'",
        "model_args.act_layer: expected 'silu', got 'relu'",
        "model_args.output_stride: expected 32, got 16",
        "mean: expected 3 numbers, got 'x'",
        "std: expected 3 numbers, got [1, 2]",
        "crop_pct: expected a number, got '0.9'",
        "input_size: expected",
        "got null for class 1",
    ):
        assert fault in message, fault


@pytest.mark.parametrize("config", [{}, {"lr": 0.1, "model": "mobilevit"}])
def test_a_config_of_no_model_is_said_not_to_be_used(evidence, config):
    notes = evidence(config=config).notes
    assert bool(notes) == bool(config)
    assert all("config.json is not used" in note for note in notes)


def test_json_that_is_damaged_or_says_a_thing_twice(evidence):
    for text in ("{", "[" * 100_000, '{"model_type": 1, "model_type": 2}'):
        with pytest.raises(InputError, match="expected JSON"):
            evidence(config=text)


def test_what_the_caller_gives_contradicts_no_file(write):
    folder = write(model=SIDECAR, config=TIMM)
    read_evidence("mobilevit_xxs", "model.pth", files_in(folder), Given(preprocess=APPLE))


@pytest.mark.parametrize(
    "files",
    [
        {"config": TIMM | {"pretrained_cfg": {"interpolation": "box"}}},
        {"config": TIMM | {"pretrained_cfg": {"crop_mode": "border"}}},
        {"preprocessor_config": PROCESSOR | {"size": {"shortest_edge": 32}}},
    ],
)
def test_preprocessing_that_cannot_be_met_names_file_and_option(evidence, files):
    (file,) = files
    with pytest.raises(InputError, match=rf"correct {file}.json, or .* with preprocess="):
        evidence(**files)


def test_a_config_of_no_model_next_to_a_processor(evidence):
    found = evidence(config={"lr": 0.1}, preprocessor_config=PROCESSOR)
    assert found.preprocess == BY_PROCESSOR
    assert "config.json is not used" in found.notes[0]


def test_sidecar_and_config(evidence):
    agreeing = evidence(model=SIDECAR, config={"model_type": "mobilevit"})
    assert agreeing.preprocess == Preprocess((64, 64), "stretch")
    assert agreeing.preprocess_source == "model.json"
    with pytest.raises(InputError, match="config.json and model.json to say the same"):
        evidence(model=SIDECAR, config=TIMM)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input_size", "x"),
        ("input_size", [64.5, 64]),
        ("mean", [1, 2]),
        ("std", "x"),
        ("resize", 3),
        ("resize_size", "big"),
        ("interpolation", None),
        ("labels", {"0": "a", "2": "b"}),
    ],
)
def test_a_sidecar_of_wrong_types(evidence, field, value):
    spec = SIDECAR["preprocess"] | ({field: value} if field != "labels" else {})
    described = SIDECAR | {"preprocess": spec} | ({field: value} if field == "labels" else {})
    if value is None:
        assert evidence(model=described).preprocess.interpolation == "bicubic"
        return
    with pytest.raises(InputError, match="expected"):
        evidence(model=described)


def test_a_preprocess_file(write):
    folder = write(a=SIDECAR, b=SIDECAR["preprocess"], c=TIMM, d=PROCESSOR, e={"lr": 1})
    stretched = Preprocess((64, 64), "stretch")
    expected = {"a": stretched, "b": stretched, "c": BY_TIMM, "d": BY_PROCESSOR}
    assert {name: read_preprocess_file(folder / f"{name}.json") for name in expected} == expected
    with pytest.raises(InputError, match="expected the fields of Preprocess in .*, got lr"):
        read_preprocess_file(folder / "e.json")
    (folder / "f.json").write_text(json.dumps(TIMM | {"pretrained_cfg": {"std": [0, 1, 1]}}))
    with pytest.raises(InputError, match=r"std: expected .*; correct .*f\.json"):
        read_preprocess_file(folder / "f.json")


def test_labels_of_1000_classes_are_said_to_be_assumed(tmp_path):
    model = build_model("mobilevit_xxs")
    with pytest.warns(UserWarning, match="labels assumed: those of ImageNet-1k"):
        model = create_model("mobilevit_xxs", weights=model.state_dict())
    assert model.hvit_edge.labels == imagenet_labels()
    assert model.hvit_edge.labels_source == "assumed: ImageNet-1k"


def test_two_sets_in_create_model(tmp_path, state):
    other = {key: value + 1 for key, value in state.items()}
    torch.save({"state_dict": state, "state_dict_ema": other}, tmp_path / "model_best.pth.tar")
    path = tmp_path / "model_best.pth.tar"
    source = resolve_weights("mobilevit_xxs", path)
    assert torch.equal(source.state_dict["head.bias"], state["head.bias"])
    assert source.weights_key == "state_dict"
    assert "'state_dict_ema'; choose with --weights-key" in source.notes[0]
    source = resolve_weights("mobilevit_xxs", path, weights_key="state_dict_ema")
    assert torch.equal(source.state_dict["head.bias"], other["head.bias"])
    assert (source.weights_key, source.notes) == ("state_dict_ema", ())
    with pytest.raises(InputError, match="weights_key: expected none with random weights"):
        resolve_weights("mobilevit_xxs", "random", weights_key="ema")
