import pytest
import torch

import hvit_edge
from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources import timm_model
from hvit_edge.sources.named_model import named_model

EXPECTED = Preprocess((32, 32), "shortest", 36, "bilinear", (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))


def test_published_weights_bring_preprocessing_and_labels(fake_timm):
    origin = named_model("timm:tiny_net").hvit_edge
    assert fake_timm.asked == [("tiny_net.a1_in1k", True, {})]
    assert (origin.name, origin.model_source) == ("tiny_net.a1_in1k", "timm:tiny_net.a1_in1k")
    assert origin.weights_source == "timm:tiny_net.a1_in1k"
    assert (origin.preprocess, len(origin.labels)) == (EXPECTED, 11821)
    assert origin.labels[3] == "imagenet-12k 3" and origin.labels_source == "timm's imagenet-12k"


def test_a_checkpoint_brings_its_class_count(fake_timm, tmp_path):
    state = fake_timm.create_model("tiny_net", num_classes=7).state_dict()
    torch.save({"state_dict": state}, tmp_path / "ft.pt")
    with pytest.warns(UserWarning, match=r"classes: 7, as many as the head in ft\.pt has"):
        model = named_model("timm:tiny_net", weights=tmp_path / "ft.pt", args={"width": 4})
    assert model.head.out_features == 7 and not model.training
    assert torch.equal(model.stem.weight, state["stem.weight"])
    assert (model.hvit_edge.labels, model.hvit_edge.weights_source) == ((), "ft.pt")
    assert model.hvit_edge.model_args == '{"width": 4}'


def test_a_config_next_to_the_checkpoint_takes_precedence(fake_timm, tmp_path):
    state = fake_timm.create_model("tiny_net", num_classes=2).state_dict()
    torch.save(state, tmp_path / "model.pth")
    (tmp_path / "config.json").write_text(
        '{"architecture": "tiny_net", "num_classes": 2, "label_names": ["cat", "dog"],'
        ' "pretrained_cfg": {"input_size": [3, 48, 48], "crop_pct": 1.0}}'
    )
    with pytest.warns(UserWarning):
        origin = named_model("timm:tiny_net", weights=tmp_path).hvit_edge
    assert origin.labels == ("cat", "dog") and origin.preprocess_source == "config.json"
    assert origin.preprocess.resize_size == 48


def test_random_weights_and_single_fields(fake_timm):
    given = {"mean": (0.0,) * 3, "resize": "stretch"}
    model = named_model("timm:tiny_net", weights="random", num_classes=3, preprocess=given)
    origin = model.hvit_edge
    assert origin.weights_source == "random" and origin.labels == ()
    assert (origin.preprocess.resize, origin.preprocess.mean) == ("stretch", (0.0,) * 3)
    assert origin.preprocess_source == "timm's pretrained_cfg of tiny_net; resize, mean: argument"
    assert named_model(
        "timm:tiny_net", weights="random", preprocess="timm"
    ).hvit_edge.preprocess == (EXPECTED)


def test_a_fixed_input_size_is_built_for_another(fake_timm):
    fake_timm.config.fixed_input_size = True
    origin = named_model("timm:tiny_net", weights="random", input_size=64).hvit_edge
    assert fake_timm.asked[-1][2] == {"img_size": (64, 64)}
    assert (origin.preprocess.input_size, origin.preprocess.resize_size) == ((64, 64), 72)


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("timm:tiny_nett", {}, r"a model of timm 0.0, got 'tiny_nett'; did you mean 'tiny_net'\?"),
        ("timm:tiny_net.a2", {}, r"a tag of timm's tiny_net, got 'a2'; .*its tags are a1_in1k"),
        ("timm:tiny_net", {"args": {"depth": 3}}, "that timm's tiny_net.* accepts, got depth=3"),
        ("timm:tiny_net", {"args": {"in_chans": 1}}, "in_chans: expected 3, as photos have, got 1"),
        (
            "timm:tiny_net",
            {"args": {"checkpoint_path": "a.pth"}},
            "args=: expected arguments of the network, got checkpoint_path; .* with weights=",
        ),
        ("timm:tiny_net", {"args": [1]}, "args: expected a mapping"),
        ("timm:tiny_net", {"input_size": "big"}, "input_size: expected a side in pixels"),
        (
            "timm:tiny_net",
            {"input_size": 64, "preprocess": Preprocess((32, 32))},
            r"input_size: expected \(32, 32\) as in preprocess, got \(64, 64\)",
        ),
    ],
)
def test_refusals(fake_timm, model, given, message):
    with pytest.raises(InputError, match=message):
        named_model(model, weights="random", **given)


def test_no_network_and_no_published_weights(fake_timm):
    fake_timm.network = ConnectionError("no route\nto host")
    with pytest.raises(InputError, match="got ConnectionError: no route; .*weights='random'"):
        named_model("timm:tiny_net")
    fake_timm.config.has_weights = False
    with pytest.raises(InputError, match="published checkpoint of timm's tiny_net, got none"):
        named_model("timm:tiny_net")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"crop_mode": "border"}, "crop_mode 'border'"),
        ({"interpolation": "box"}, "interpolation 'box'"),
        ({"crop_pct": 1.15}, "crop_pct 1.15"),
    ],
)
def test_a_preprocessing_that_cannot_be_had_is_named(fake_timm, changes, named):
    vars(fake_timm.config).update(changes)
    with pytest.raises(InputError, match=f"got timm's .*{named}.*preprocess= gives|{named}"):
        named_model("timm:tiny_net", weights="random")
    own = Preprocess((32, 32))
    assert (
        named_model("timm:tiny_net", weights="random", preprocess=own).hvit_edge.preprocess == own
    )


def test_a_transform_that_does_something_else_is_refused(fake_timm):
    torchvisions = fake_timm.transform
    fake_timm.transform = lambda config: torchvisions({**config, "crop_pct": 0.8})
    with pytest.raises(InputError, match="got timm's transform"):
        named_model("timm:tiny_net", weights="random")


def test_without_a_classifier(fake_timm):
    fake_timm.config.num_classes = 0
    with pytest.raises(InputError, match="expected a classifier, got timm's tiny_net"):
        named_model("timm:tiny_net", weights="random", args={"num_classes": 0})


def test_an_artifact_is_made_again_from_its_record(fake_timm, tmp_path):
    file = tmp_path / "tiny.pte"
    made = hvit_edge.compile(
        "timm:tiny_net", weights="random", args={"width": 6}, num_classes=3, output=file
    )
    assert made.report.to_dict()["model"] == "tiny_net"
    metadata = hvit_edge.Session(file).metadata
    assert (metadata.model_source, metadata.model_args) == ("timm:tiny_net", '{"width": 6}')
    assert metadata.preprocess.resize_size == 36
    assert hvit_edge.validate(file).passed


def test_against_timm_itself():
    timm = pytest.importorskip("timm")
    for name in ("test_vit", "test_efficientnet", "tiny_vit_5m_224"):
        module = timm_model.build(timm, name, {}, 3, None, published=False, where="test")
        timm_model.preprocess_of(timm, module, "test")  # compares two photos
