import json

import pytest
from torch import nn

from hvit_edge.compiler.subject import _with_given, origin_of
from hvit_edge.errors import InputError
from hvit_edge.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from hvit_edge.weights.preprocess_choice import PreprocessChoice, named_preprocess, read_choice

FOUND = Preprocess((64, 96), resize_size=112, interpolation="bilinear", mean=(0.1,) * 3)


def over(value, found=FOUND):
    return read_choice(value, "compile").over(found, "config.json")


def test_nothing_given_leaves_all_as_found():
    assert over(None) == (FOUND, "config.json")


def test_single_fields_are_replaced_and_named():
    found, source = over({"std": [0.5, 0.5, 0.5], "channel_order": "BGR"})
    assert (found.std, found.channel_order) == ((0.5, 0.5, 0.5), "BGR")
    assert (found.mean, found.resize_size) == (FOUND.mean, 112)
    assert source == "config.json; std, channel_order: argument"


def test_another_resize_needs_no_size():
    assert over({"resize": "stretch"})[0].resize_size == 0
    stretched = Preprocess((64, 96), "stretch")
    assert over({"resize": "shortest"}, stretched)[0].resize_size == 96
    assert over({"resize": "stretch", "resize_size": 120})[0].resized_size(9, 9) == (120, 120)
    with pytest.raises(InputError, match="resize_size: expected at least 96, got 80"):
        over({"resize_size": 80})


def test_all_fields_are_an_argument_of_their_own():
    whole = Preprocess((64, 96), "stretch", 0, "lanczos", (0.5,) * 3, (0.5,) * 3, "BGR")
    assert over(whole) == (whole, "argument")
    fields = {key: getattr(whole, key) for key in Preprocess.__dataclass_fields__}
    assert over(fields) == (whole, "argument")


def test_named_preprocessings():
    # timm.data: DEFAULT_CROP_PCT 0.875, bicubic; torchvision's references: 256 to 224, bilinear.
    timm = named_preprocess("timm", (224, 224))
    assert timm == Preprocess((224, 224), "shortest", 256, "bicubic", IMAGENET_MEAN, IMAGENET_STD)
    imagenet, source = over("imagenet")
    assert imagenet == Preprocess(
        (64, 96), "shortest", 109, "bilinear", IMAGENET_MEAN, IMAGENET_STD
    )
    assert source == "imagenet"


def test_a_name_and_fields(tmp_path):
    choice = PreprocessChoice(named="imagenet", fields={"channel_order": "BGR"})
    found, source = choice.over(FOUND, "config.json")
    assert (found.channel_order, found.mean) == ("BGR", IMAGENET_MEAN)
    assert source == "imagenet; channel_order: argument"


def test_a_file_is_recorded_by_its_name(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"input_size": [32, 32], "resize": "shortest-floor"}))
    found, source = over(file)
    assert found == Preprocess((32, 32), "shortest-floor", 32) and source == "mine.json"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "expected a Preprocess, a mapping of its fields, a JSON file, or 'timm' or"),
        ({"meen": 1}, "expected fields of Preprocess, got meen; its fields are input_size"),
        ("imagnet", "expected a JSON file or one of timm, imagenet, got 'imagnet'"),
        ("gone.json", "gone.json"),
        ({"mean": (1, 2)}, "mean: expected 3 finite numbers"),
        ({"interpolation": "cubic"}, "interpolation: expected one of bilinear, bicubic, lanczos"),
    ],
)
def test_wrong_choices(value, message):
    with pytest.raises(InputError, match=message):
        over(value)


@pytest.mark.parametrize("content", ["[1]", "{", '{"mean": 1}', '{"input_size": "x"}'])
def test_wrong_files(tmp_path, content):
    file = tmp_path / "mine.json"
    file.write_text(content)
    with pytest.raises(InputError, match="mine.json"):
        read_choice(str(file), "compile")


def test_a_module_with_a_pretrained_config_is_asked_for_it():
    module = nn.Linear(1, 1)
    module.pretrained_cfg = {"input_size": (3, 64, 64), "crop_pct": 1.0, "mean": (0.0,) * 3}
    origin = _with_given(origin_of(module, None), module, read_choice("timm", "compile"), None)
    assert origin.preprocess == Preprocess(
        (64, 64), "shortest", 64, "bicubic", (0.0,) * 3, IMAGENET_STD
    )
    assert origin.preprocess_source == "pretrained_cfg"
    for wrong in ({"mean": (0.0,) * 3}, "imagenet", None):
        with pytest.raises(InputError, match="expected preprocess=Preprocess"):
            _with_given(origin_of(nn.Linear(1, 1), None), module, read_choice(wrong, "x"), None)
