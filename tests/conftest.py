"""A small hybrid network of every kind of operator, and its artifact, for whole-path tests."""

import fcntl
import gc
import json
import math
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import required
import torch
from PIL import Image
from torch import nn

from hvit_edge.devices.process import Finished
from hvit_edge.devices.shell import ShellDevice
from hvit_edge.preprocess import Preprocess, load_image
from hvit_edge.weights import bundled_photos


def pytest_configure(config) -> None:
    """Give each worker one thread, as idle ones of PyTorch spin, and require tests to run on CI.

    Compilations keep nothing for each other: each test computes what it tests.
    """
    os.environ["HVIT_EDGE_CACHE_SIZE"] = "0"
    if hasattr(config, "workerinput"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # of what tests start
        torch.set_num_threads(1)
    if os.environ.get("HVIT_EDGE_REQUIRE_ALL") == "1":
        config.pluginmanager.register(required)


def pytest_collectstart(collector) -> None:
    """Make the weights that a module of tests draws independent of the modules before it."""
    if isinstance(collector, pytest.Module):
        torch.manual_seed(0)


SLOWEST = (
    "tests/compiler/test_compile_model.py",
    "tests/test_readme.py",
    "tests/cli/test_precisions.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items) -> None:
    """Half a minute a test comes first, so that no worker is left alone with one at the end.

    Tests that need the full runtime are left out if the environment names the small one.
    """
    if os.environ.get("HVIT_EDGE_RUNTIME") == "small":
        items[:] = [item for item in items if item.get_closest_marker("full_runtime") is None]
    items.sort(key=lambda item: not item.nodeid.startswith(SLOWEST))


def pytest_collection_finish() -> None:
    """Exclude the objects that are imported now from later garbage collections."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what tests measured: `record_property("measured", text)`."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(f"measured: {text}")


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """`(name, fill) -> folder`: `fill(folder)` is called by the first worker that asks for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def filled(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with open(shared / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the others wait
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of one who failed
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return filled


class Attention(nn.Module):
    """Has fused q, k, v and a constant bias on the scores."""

    def __init__(self, channels: int, heads: int, tokens: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        self.register_buffer("bias", torch.randn(1, heads, tokens, tokens), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, tokens, channels = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, tokens, 3, self.heads, channels // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=self.bias)
        return x + self.project(mixed.transpose(1, 2).reshape(batch, tokens, channels))


class TinyHybrid(nn.Module):
    """Maps float32 [1, 3, 16, 16] to logits [1, 5] with each operator that the families use."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU()
        )
        self.attention = Attention(8, 2, 64)
        self.mix = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.stem(x)
        tokens = self.attention(torch.roll(maps, (-3, -3), (2, 3)).flatten(2).transpose(1, 2))
        maps = tokens.transpose(1, 2).reshape(1, 8, 8, 8)
        up = nn.functional.interpolate(nn.functional.gelu(maps), scale_factor=2)
        down = nn.functional.interpolate(self.mix(up), size=(9, 7), mode="bilinear")
        pooled = nn.functional.adaptive_avg_pool2d(down, 1).flatten(1)
        return self.head(pooled + tokens.mean(1) + tokens[:, 0])


@pytest.fixture(scope="session")
def tiny_preprocess() -> Preprocess:
    return Preprocess((16, 16), resize_size=18, interpolation="bilinear", mean=(0.5, 0.4, 0.3))


@pytest.fixture(scope="session")
def tiny_model() -> nn.Module:
    torch.manual_seed(0)
    model = TinyHybrid()
    for norm in (model.stem[1], model.attention.norm):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias)
    nn.init.uniform_(model.stem[1].running_var, 0.5, 1.5)
    nn.init.normal_(model.stem[1].running_mean)
    return model.eval()


class TinyApple(TinyHybrid):
    """The same network with operators that the Core ML translation supports."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.stem(x)
        tokens = self.attention(torch.roll(maps, (-3, -3), (2, 3)).flatten(2).transpose(1, 2))
        maps = tokens.transpose(1, 2).reshape(1, 8, 8, 8)
        pooled = self.mix(nn.functional.gelu(maps)).mean((2, 3))
        return self.head(pooled + tokens.mean(1) + tokens[:, 0])


@pytest.fixture(scope="session")
def apple_model(tiny_model) -> nn.Module:
    model = TinyApple()
    model.load_state_dict(tiny_model.state_dict())
    model.attention.bias.copy_(tiny_model.attention.bias)
    return model.eval()


@pytest.fixture(scope="session")
def apple_package(apple_model, tiny_preprocess, photo_windows, tmp_path_factory):
    """`(precision, ios) -> Artifact` of the small network as a package; each is compiled once."""
    import hvit_edge
    from hvit_edge.targets.coreml import build

    @cache
    def compiled(precision: str, ios: int):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(build, "SMALLEST", 16)  # the network's weights are all small
            return hvit_edge.compile(
                apple_model,
                target="coreml",
                precision=precision,
                ios=ios,
                calib_data=photo_windows if precision == "int8" else None,
                preprocess=tiny_preprocess,
                labels=["a", "b", "b", "d", "e"],
                output=tmp_path_factory.mktemp("packages") / f"{precision}.mlpackage",
            )

    return lambda precision, ios=17: compiled(precision, ios)


@pytest.fixture(scope="session")
def write_windows():
    """`(folder, count, side)`: windows of the bundled photos, PNG, each of another place."""

    def write(folder: Path, count: int = 40, side: int = 96) -> Path:
        photos = [load_image(path) for path in bundled_photos()]
        rng = np.random.default_rng(0)
        folder.mkdir(exist_ok=True)
        for index in range(count):
            photo = photos[index % len(photos)]
            top, left = (int(rng.integers(length - side)) for length in photo.shape[:2])
            window = photo[top : top + side, left : left + side]
            Image.fromarray(window).save(folder / f"{index:03}.png")
        return folder

    return write


@pytest.fixture(scope="session")
def photo_windows(write_windows, tmp_path_factory) -> Path:
    """Return a folder of 40 calibration images."""
    return write_windows(tmp_path_factory.mktemp("calibration") / "windows")


@pytest.fixture(scope="session")
def tiny_calibration(photo_windows, tiny_preprocess):
    from hvit_edge.quantize import Calibration

    images = [load_image(path) for path in sorted(photo_windows.iterdir())]
    return Calibration(tuple(tiny_preprocess(image) for image in images))


@pytest.fixture(scope="session")
def tiny_quantised(tiny_model, tiny_preprocess, photo_windows, tmp_path_factory):
    """`precision -> Artifact` of the small network; each is compiled once."""
    import hvit_edge

    @cache
    def compiled(precision: str):
        return hvit_edge.compile(
            tiny_model,
            precision=precision,
            calib_data=photo_windows if precision == "int8" else None,
            preprocess=tiny_preprocess,
            labels=["a", "b", "c", "d", "e"],
            output=tmp_path_factory.mktemp("quantised") / f"{precision}.pte",
            min_delegated=1.0,
        )

    return compiled


@pytest.fixture(scope="session")
def tiny_artifact(tiny_model, tiny_preprocess, once) -> Path:
    """Return the small network as a program that the tested runtime runs."""
    import hvit_edge

    target = "native" if os.environ.get("HVIT_EDGE_RUNTIME") == "small" else "xnnpack"

    def fill(folder: Path) -> None:
        hvit_edge.compile(
            tiny_model,
            target=target,
            preprocess=tiny_preprocess,
            labels=["a", "b", "c", "d", "e"],
            output=folder / "tiny.pte",
            min_delegated=1.0,
        )

    return once(f"tiny_artifact-{target}", fill) / "tiny.pte"


@pytest.fixture
def decibel_of(tiny_model, tiny_preprocess) -> Callable[[Path], float]:
    """`path -> SQNR` of the C++ runtime's answers to the bundled photos, against eager PyTorch."""
    import hvit_edge

    def measure(path: Path) -> float:
        session = hvit_edge.Session(path)
        arrays = [tiny_preprocess(load_image(photo)) for photo in bundled_photos()]
        with torch.inference_mode():
            eager = [tiny_model(torch.from_numpy(array)).numpy() for array in arrays]
        expected, actual = np.concatenate(eager), np.concatenate([session(a)[0] for a in arrays])
        noise = ((expected - actual).astype(np.float64) ** 2).sum()
        return 10 * math.log10((expected.astype(np.float64) ** 2).sum() / noise)

    return measure


@pytest.fixture(scope="session")
def whole_artifact(once) -> Callable[[str], Path]:
    """`name -> path` of a registered model with random weights, its report beside as JSON."""
    import hvit_edge

    def make(name: str) -> Path:
        def fill(folder: Path) -> None:
            made = hvit_edge.compile(name, weights="random", output=folder / "model.pte")
            (folder / "report.json").write_text(json.dumps(made.report.to_dict()))

        return once(f"whole-{name}", fill) / "model.pte"

    return make


class Shell(ShellDevice):
    """Uses the shell of this machine; files are in `folder`, scripts start with `before`."""

    def __init__(self, folder: Path, before: str = "") -> None:
        super().__init__()
        self.name, self.folder, self.before = "shell", f'"{folder}"', before

    def command(self, script: str) -> list[str]:
        return ["sh", "-c", self.before + script]

    def unreachable(self, finished: Finished) -> bool:
        return finished.status == 255


@pytest.fixture
def shell():
    """Return the class `Shell`."""
    return Shell
