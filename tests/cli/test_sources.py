"""The first steps of a new user: a module, a checkpoint, and every command that is printed."""

import json
import re
import shlex

import pytest
import torch

from hvit_edge import Session
from hvit_edge.cli import main
from hvit_edge.models import registry
from hvit_edge.models.registry import Published
from hvit_edge.preprocess import Preprocess
from hvit_edge.sources import address
from hvit_edge.tasks import Classify
from hvit_edge.weights import files
from hvit_edge.weights.random_weights import random_state_dict

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes=5):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(8, classes)

    def forward(self, x):
        return self.head(self.act(self.stem(x)).mean((2, 3)))


def build(classes=5):
    return Net(classes).eval()


def branching():
    class Branching(Net):
        def forward(self, x):
            if x.sum() > 0:
                x = -x
            return super().forward(x)
    return Branching().eval()
"""
PREPARED = ("--input-size", "32", "--mean", "0.5", "--std", "0.25,0.25,0.3")


@pytest.fixture
def hvit(tmp_path, monkeypatch, capsys):
    """`hvit("compile ...") -> (exit code, stdout, stderr)` in a folder with net.py."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)

    def run(line):
        capsys.readouterr()
        code = main(shlex.split(line))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def next_lines(out):
    return re.findall(r"^  hvit-edge (.*)$", out.partition("Next:\n")[2], re.MULTILINE)


def run_all(hvit, out, photo):
    lines = next_lines(out)
    assert [line.split()[0] for line in lines] == ["run", "validate", "bench"]
    for line in lines:
        code, _, err = hvit(line.replace("PHOTO", shlex.quote(str(photo))))
        assert code == 0, (line, err)
    return lines


def test_the_address_and_the_weights_are_read_once(hvit, tmp_path, monkeypatch):
    net, read = {}, []
    exec(NET, net)
    torch.save(net["build"]().state_dict(), tmp_path / "own.pt")

    def counted(function):
        def run(*given):
            read.append(str(given[0]))
            return function(*given)

        return run

    monkeypatch.setattr(address, "read_address", counted(address.read_address))
    monkeypatch.setattr(files, "_read_whole", counted(files._read_whole))
    command = f"compile net.py:build --weights own.pt -o a.pte {' '.join(PREPARED)}"
    code, _, err = hvit(command)
    assert code == 0, err
    assert read == ["net.py:build", "own.pt"]


def test_every_line_that_is_printed_for_an_own_module_works(hvit, photo, tmp_path):
    net = {}
    exec(NET, net)
    state = {f"module.{key}": value for key, value in net["build"](7).state_dict().items()}
    torch.save({"epoch": 1, "model": state}, tmp_path / "ft 7.pt")
    options = f"--weights 'ft 7.pt' {' '.join(PREPARED)}"

    code, _, err = hvit(f"compile net.py:build {options}")
    assert code == 2
    hint = re.search(r"give the factory that number with (--arg classes=7)$", err.strip())
    code, out, err = hvit(f"compile net.py:build {hint[1]} {options} --resize stretch")
    assert code == 0, err
    lines = run_all(hvit, out, photo)
    assert lines[1] == (
        "validate net_build-xnnpack-fp32.pte --model net.py:build --weights 'ft 7.pt'"
    )
    metadata = Session("net_build-xnnpack-fp32.pte").metadata
    assert (metadata.model_source, metadata.model_args) == ("net.py:build", '{"classes": 7}')
    assert metadata.preprocess.std == pytest.approx((0.25, 0.25, 0.3))
    assert metadata.preprocess_source == (
        "default of Preprocess; resize, resize_size, mean, std: argument"
    )

    code, _, err = hvit("validate net_build-xnnpack-fp32.pte")  # runs no file unasked
    assert code == 2
    hint = re.search(r"add (--model net.py:build),", err)
    assert hvit(f"validate net_build-xnnpack-fp32.pte {hint[1]}")[0] == 0  # ft 7.pt is here
    (tmp_path / "ft 7.pt").rename(tmp_path / "moved.pt")
    code, _, err = hvit(f"validate net_build-xnnpack-fp32.pte {hint[1]}")
    assert code == 2 and "pass the checkpoint with --weights FILE" in err
    assert hvit(f"validate net_build-xnnpack-fp32.pte {hint[1]} --weights moved.pt")[0] == 0
    code, _, err = hvit(f"validate net_build-xnnpack-fp32.pte {hint[1]} --arg classes=5")
    assert code == 2


@pytest.fixture
def tiny_registered(monkeypatch):
    """A registered model that compiles in a second."""
    net = {}
    exec(NET, net)
    published = Published("", Preprocess((32, 32)), files="a page")
    entry = registry._Entry(
        lambda classes, size: net["build"](classes), published, (), 32, 1, lambda size: Classify()
    )
    monkeypatch.setitem(registry._REGISTRY, "tiny", entry)


def test_every_line_that_is_printed_for_a_checkpoint_of_a_known_model_works(
    hvit, photo, tmp_path, tiny_registered
):
    model = registry.build_model("tiny", num_classes=7)
    torch.save(random_state_dict(model), tmp_path / "ft.pt")
    code, out, err = hvit("compile tiny --weights ft.pt --mean 0.5")
    assert code == 0, err
    assert "warning: [weights] classes: 7, as many as the head in ft.pt has" in err
    assert "give names with --labels FILE" in err
    lines = run_all(hvit, out, photo)
    assert lines[1].endswith(" --weights ft.pt")
    assert hvit("validate tiny-xnnpack-fp32.pte")[0] == 0


def test_a_model_of_one_output_has_a_value_and_no_class(hvit, photo):
    code, out, _ = hvit(f"compile net.py:build --arg classes=1 {' '.join(PREPARED)} -o one.pte")
    assert code == 0
    expected = float(re.search(r"(-?[\d.]+(e-\d+)?)  value$", hvit(f"run one.pte {photo}")[1])[1])
    code, out, _ = hvit(f"run one.pte {photo} --format json")
    value = json.loads(out)["results"][0]["value"]
    assert code == 0 and value == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "net.py:build",
            "about photos, and nothing is assumed; give --preprocess FILE",
        ),
        ("net.py:build --input-size 32", "give --mean R,G,B, --std R,G,B, or --preprocess"),
        ("net.py:build --preprocess imagenet", "imagenet and --input-size HxW"),
        ("net.py:build --num-classes 3", "give it an argument with --arg NAME=N"),
        ("net.py:Net --preprocess imagenet --input-size 32", "got training mode in .*stem"),
        ("net.py:branching --preprocess imagenet --input-size 32", r"\(in .*net\.py:23\)"),
        ("net.py:build --preprocess imagenet --input-size 32 --resize 16", "at least 32, got 16"),
        ("swin_t --weights random --arg a=1", "--arg: expected none for the registered swin_t"),
        ("swin_t --weights gone.pt", "expected a checkpoint file, got no such file: gone.pt"),
        ("conformer_ti", "--weights FILE, or --weights random$"),
        (
            "net.py:build --interpolation cubic --preprocess timm --input-size 32",
            "bicubic, lanczos",
        ),
        ("net.py:build --preprocess mine", "expected a JSON file or one of timm, imagenet"),
    ],
)
def test_refusals_name_options(hvit, line, message):
    code, out, err = hvit(f"compile {line}")
    last = err.strip().splitlines()[-1]
    assert code == 2 and out == "" and re.search(message, last), last
    assert not re.search(r"\b[a-z_]+=['({\[]", last)  # no Python
