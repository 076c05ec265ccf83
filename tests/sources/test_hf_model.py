import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import hvit_edge
from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources.named_model import named_model

SETTINGS = {
    "size": {"shortest_edge": 36},
    "crop_size": {"height": 32, "width": 32},
    "resample": 2,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.2, 0.2],
}
EXPECTED = Preprocess((32, 32), "shortest-floor", 36, "bilinear", (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))


class Config:
    """A config with labels like those of transformers."""

    def __init__(self, **content):
        self.architectures = ["TinyForImageClassification"]
        self.id2label = {0: "cat", 1: "dog", 2: "cow"}
        vars(self).update(content)

    @property
    def num_labels(self):
        return len(self.id2label)

    def to_dict(self):
        return dict(vars(self))


class Tiny(nn.Module):
    """A classifier that returns a data class, and gets pixels by keyword."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.conv = nn.Conv2d(3, 4, 3, 2, 1)
        self.classifier = nn.Linear(4, config.num_labels)

    def forward(self, pixel_values, return_dict=None):
        assert return_dict
        hidden = self.conv(pixel_values).relu().mean((2, 3))
        return SimpleNamespace(logits=self.classifier(hidden), hidden_states=None)


class Processor:
    """Resizes the shorter side, crops at the half rounded down, normalizes."""

    def to_dict(self):
        return dict(SETTINGS)

    def __call__(self, images, return_tensors):
        width, height = images.size
        shorter, longer = 36, int(36 * max(width, height) / min(width, height))
        size = (shorter, longer) if width <= height else (longer, shorter)
        pixels = np.asarray(images.resize(size, Image.Resampling.BILINEAR), np.float32)
        top, left = (size[1] - 32) // 2, (size[0] - 32) // 2
        pixels = pixels[top : top + 32, left : left + 32] / np.float32(255)
        made = (pixels - np.float32(SETTINGS["image_mean"])) / np.float32(SETTINGS["image_std"])
        return {"pixel_values": made.transpose(2, 0, 1)[None]}


@pytest.fixture
def library(monkeypatch, tmp_path):
    """Replace transformers with a library of one architecture, and make a folder `tiny`."""
    monkeypatch.chdir(tmp_path)
    fake = ModuleType("transformers")
    fake.missing, fake.kind, fake.processor = [], Tiny, Processor

    def read_config(name, trust_remote_code, num_labels=None, **changes):
        assert trust_remote_code is False
        content = json.loads((tmp_path / name / "config.json").read_text())
        if num_labels is not None:
            content["id2label"] = {i: f"LABEL_{i}" for i in range(num_labels)}
        return Config(**content, **changes)

    def from_config(config):
        if fake.kind is None:
            raise ValueError("Unrecognized configuration class <class 'Config'>\nfor this")
        torch.manual_seed(5)
        return fake.kind(config)

    def from_pretrained(name, config, dtype, output_loading_info, trust_remote_code):
        assert trust_remote_code is False
        model = from_config(config)
        model.load_state_dict(torch.load(tmp_path / name / "pytorch_model.bin"))
        return model, {"missing_keys": fake.missing, "unexpected_keys": ["pooler.weight"]}

    def processor(name, backend, trust_remote_code):
        assert trust_remote_code is False
        if fake.processor is None:
            raise OSError("no preprocessor_config.json")
        return fake.processor()

    fake.AutoConfig = SimpleNamespace(from_pretrained=read_config)
    fake.AutoModelForImageClassification = SimpleNamespace(
        from_config=from_config, from_pretrained=from_pretrained
    )
    fake.AutoImageProcessor = SimpleNamespace(from_pretrained=processor)
    monkeypatch.setitem(sys.modules, "transformers", fake)
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    torch.manual_seed(9)
    torch.save(Tiny(Config()).state_dict(), folder / "pytorch_model.bin")
    fake.folder = folder
    return fake


@pytest.mark.filterwarnings("ignore:.weights. of hf")
def test_a_folder_brings_weights_preprocessing_and_labels(library):
    model = named_model("hf:tiny")
    origin = model.hvit_edge
    assert (origin.name, origin.model_source, origin.weights_source) == (
        "tiny",
        "hf:tiny",
        "folder tiny",
    )
    assert origin.preprocess == EXPECTED and origin.labels == ("cat", "dog", "cow")
    assert origin.labels_source == "config.json"
    state = torch.load(library.folder / "pytorch_model.bin")
    assert torch.equal(model.model.classifier.weight, state["classifier.weight"])
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(model(x), model.model(x, return_dict=True).logits)


@pytest.mark.filterwarnings("ignore:.weights. of hf")
def test_an_artifact_is_made_again_from_its_folder(library, tmp_path, monkeypatch):
    file = tmp_path / "tiny.pte"
    hvit_edge.compile("hf:tiny", output=file)
    assert hvit_edge.Session(file).metadata.preprocess == EXPECTED
    assert hvit_edge.validate(file).passed  # the folder is next to the artifact
    (tmp_path / "elsewhere").mkdir()
    library.folder.rename(tmp_path / "elsewhere" / "tiny")
    with pytest.raises(InputError, match="expected the path of hf:tiny, .* add model='hf:tiny'"):
        hvit_edge.validate(file)
    assert hvit_edge.validate(file, model="hf:elsewhere/tiny").passed


def test_a_checkpoint_of_a_training_loop(library, tmp_path):
    state = Tiny(Config(id2label={i: str(i) for i in range(7)})).state_dict()
    torch.save({"model": state}, tmp_path / "ft.pt")
    with pytest.warns(UserWarning, match="classes: 7"):
        model = named_model("hf:tiny", weights="ft.pt")
    assert torch.equal(model.model.classifier.bias, state["classifier.bias"])
    assert model.hvit_edge.labels == ()  # LABEL_0 and so on are none


def test_random_weights_have_no_labels(library):
    origin = named_model("hf:tiny", weights="random").hvit_edge
    assert (origin.weights_source, origin.labels) == ("random", ())


def test_refusals(library):
    for wrong in ("width", "trust_remote_code", "architectures", "revision"):
        with pytest.raises(InputError, match=f"expected fields of Config, got {wrong};"):
            named_model("hf:tiny", weights="random", args={wrong: True})
    library.missing = ["classifier.weight"]
    with pytest.raises(InputError, match="got none for classifier.weight"):
        named_model("hf:tiny")
    library.kind = None
    with pytest.raises(InputError, match="to have a model for Config of hf:tiny, got ValueError"):
        named_model("hf:tiny", weights="random")
    (library.folder / "config.json").write_text('{"architectures": ["TinyForDepthEstimation"]}')
    with pytest.raises(InputError, match="an image classifier in hf:tiny, got TinyForDepth"):
        named_model("hf:tiny")
    (library.folder / "config.json").unlink()
    with pytest.raises(InputError, match="expected the config of hf:tiny, got FileNotFoundError"):
        named_model("hf:tiny")


def test_a_processor_that_cannot_be_had_is_named(library, monkeypatch):
    class Pads(Processor):
        def __call__(self, images, return_tensors):
            made = super().__call__(images, return_tensors)["pixel_values"]
            return {"pixel_values": np.pad(made, ((0, 0), (0, 0), (8, 8), (8, 8)))}

    library.processor = Pads
    with pytest.raises(InputError, match="got transformers's Pads .*shortest_edge.* preprocess="):
        named_model("hf:tiny", weights="random")
    library.processor = None
    with pytest.raises(InputError, match="hf:tiny says nothing about photos"):
        named_model("hf:tiny", weights="random")
    given = named_model("hf:tiny", weights="random", preprocess="imagenet", input_size=32)
    assert given.hvit_edge.preprocess_source == "imagenet"


def test_against_transformers_itself(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.ConvNextConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1])
    transformers.AutoModelForImageClassification.from_config(config).save_pretrained(tmp_path)
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 64})
    processor.save_pretrained(tmp_path)
    for weights in (None, tmp_path, tmp_path / "model.safetensors"):
        origin = named_model(f"hf:{tmp_path}", weights=weights).hvit_edge  # compares two photos
        assert origin.preprocess.resize_size == 73
