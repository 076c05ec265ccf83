"""Files with factories, and stand-ins for timm and transformers, which tests do not need."""

import math
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import nn

NET = """\
import torch
from torch import nn

from hvit_edge import Preprocess
from neighbor import WIDTH


class Net(nn.Module):
    def __init__(self, classes=5, width=WIDTH):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, 2, 1)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.act(self.stem(x)).mean((2, 3)))


def build(classes=5, width=WIDTH):
    return Net(classes, width).eval()


def prepared():
    return build(), Preprocess((32, 32), mean=(0.5,) * 3, std=(0.25,) * 3)


def needs(classes):
    return build(classes)


def raises():
    return {}["gone"]


def leaves():
    raise SystemExit("no weights here")


def nothing():
    return None


def pair():
    return build(), "imagenet"


def training():
    return Net()


instance = build()
number = 7
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    """Write net.py and its neighbor into the current folder, a new one; return its path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "neighbor.py").write_text("WIDTH = 8\n")
    (tmp_path / "net.py").write_text(NET)
    yield tmp_path / "net.py"
    sys.modules.pop("neighbor", None)
    sys.modules.pop("hvit_edge_file_net", None)


class Classifier(nn.Module):
    """A network with the attributes of timm's networks: num_classes, pretrained_cfg."""

    def __init__(self, num_classes=1000, img_size=None, width=4) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.stem = nn.Conv2d(3, width, 3, 2, 1)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(self.norm(self.stem(x)).relu().mean((2, 3)))


class Config(SimpleNamespace):
    """A pretrained config like timm's."""

    def to_dict(self):
        return dict(vars(self))


CONFIG = {
    "tag": "a1_in1k",
    "input_size": (3, 32, 32),
    "fixed_input_size": False,
    "interpolation": "bilinear",
    "crop_pct": 0.875,
    "crop_mode": "center",
    "mean": (0.4, 0.5, 0.6),
    "std": (0.2, 0.25, 0.3),
    "num_classes": 11821,
    "has_weights": True,
    "label_names": None,
    "label_descriptions": None,
}


def torchvisions(config):
    """Return torchvision's transform for a config with crop mode "center"."""
    side = config["input_size"][1]
    shorter = math.floor(side / config["crop_pct"])

    def transform(image):
        width, height = image.size
        longer = int(shorter * max(width, height) / min(width, height))
        size = (shorter, longer) if width <= height else (longer, shorter)
        image = image.resize(size, Image.Resampling.BILINEAR)
        left, top = (round((length - side) / 2) for length in size)
        image = image.crop((left, top, left + side, top + side))
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
        pixels = pixels.reshape(side, side, 3).permute(2, 0, 1) / 255
        mean, std = (torch.tensor(config[key]).reshape(3, 1, 1) for key in ("mean", "std"))
        return (pixels - mean) / std

    return transform


@pytest.fixture
def fake_timm(monkeypatch):
    """Replace timm with a library that has one architecture, `tiny_net`."""
    configs = {"tiny_net.a1_in1k": Config(**CONFIG)}
    library = ModuleType("timm")
    library.__version__ = "0.0"
    library.asked = []

    def create_model(name, pretrained=False, **given):
        library.asked.append((name, pretrained, dict(given)))
        if pretrained and library.network is not None:
            raise library.network
        given.setdefault("num_classes", CONFIG["num_classes"])
        torch.manual_seed(3)
        model = Classifier(**given)
        model.pretrained_cfg = library.get_pretrained_cfg(name).to_dict()
        return model

    library.network = None
    library.create_model = create_model
    library.is_model = lambda name: name == "tiny_net"
    library.list_models = lambda: ["tiny_net", "other"]
    library.list_pretrained = lambda pattern: list(configs)
    library.get_pretrained_cfg = lambda name: configs["tiny_net.a1_in1k"]
    library.data = SimpleNamespace(
        resolve_data_config=lambda args, pretrained_cfg: {
            key: pretrained_cfg[key]
            for key in ("input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std")
        },
        create_transform=lambda is_training, **config: library.transform(config),
        ImageNetInfo=lambda subset: SimpleNamespace(
            label_descriptions=lambda: [f"{subset} {index}" for index in range(11821)]
        ),
    )
    library.transform = torchvisions
    library.config = configs["tiny_net.a1_in1k"]
    monkeypatch.setitem(sys.modules, "timm", library)
    return library
