"""Precision "auto" of other tasks than to classify compares answers with those of PyTorch."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import hvit_edge
from hvit_edge.compiler.float_answers import FloatAnswers
from hvit_edge.compiler.subject import read_photo_module
from hvit_edge.compiler.task_subject import prepare_task
from hvit_edge.errors import ParityError
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.preprocess import Preprocess
from hvit_edge.quantize import reference_graph
from hvit_edge.quantize.cost import CostProfile, LayerCost, signature_of
from hvit_edge.quantize.layers import find_layers
from hvit_edge.tasks import Detect, Embed, Segment

PHOTOS = Preprocess((32, 32), resize_size=36)
ANCHORS = np.stack([*np.mgrid[1:16:2, 1:16:2][::-1] / 16, *np.full((2, 8, 8), 0.3)], -1)
TASKS = {
    "embed": Embed(),
    "segment": Segment(),
    "detect": Detect(ANCHORS.reshape(-1, 4)),
}


class Net(nn.Module):
    """Has three convolutions, and the outputs of a task."""

    def __init__(self, task):
        super().__init__()
        self.task = task
        self.stem, self.body = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
        self.head = nn.Conv2d(32, 8, 1)

    def forward(self, x):
        maps = self.head(torch.relu(self.body(torch.relu(self.stem(x)))))
        if self.task == "embed":
            return maps.mean((2, 3))
        if self.task == "segment":
            return maps
        rows = maps.flatten(2).transpose(1, 2)
        return 30 * rows[..., :4], rows[..., 4:]


def net(task):
    torch.manual_seed(1)
    return Net(task).eval()


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """Write the costs of a device on which int8 is twice as fast, and float16 is not faster."""
    graph = export_graph(net("segment"), (torch.zeros(1, 3, 32, 32),))
    rewrite(graph)
    signatures = {signature_of(layer) for layer in find_layers(reference_graph(graph, "auto"))}
    costs = {name: {"fp32": 2.0, "fp16": 2.0, "int8": 1.0} for name in signatures}
    path = tmp_path_factory.mktemp("profile") / "device.json"
    CostProfile("device", {name: LayerCost(name, ms) for name, ms in costs.items()}).save(path)
    return path


@pytest.mark.parametrize(("task", "drop"), [("embed", 1.0), ("segment", 20.0), ("detect", 90.0)])
def test_a_search_keeps_the_answers(task, drop, photo_windows, profile, tmp_path):
    made = hvit_edge.compile(
        net(task),
        task=TASKS[task],
        preprocess=PHOTOS,
        precision="auto",
        calib_data=photo_windows,
        eval_data=photo_windows,
        max_drop=drop,
        cost_profile=profile,
        output=tmp_path / "a.pte",
    )
    mixture = made.report.mixture
    assert mixture.float_top1 == pytest.approx(1) and mixture.reached
    assert mixture.top1 == pytest.approx(1 - mixture.drop / 100) and mixture.drop <= drop
    assert "int8" in mixture.layers.values()
    assert json.loads((tmp_path / "a.plan.json").read_text())["layers"] == mixture.layers
    session = hvit_edge.Session(made.path)
    assert (session.metadata.precision, session.metadata.task) == ("auto", task)
    assert session.self_test().passed


def test_a_plan_that_loses_too_much_is_refused(photo_windows, profile, tmp_path):
    path = tmp_path / "plan.json"
    plan = {"format": "hvit-edge plan 1", "model": "net", "layers": {"*": "int8"}}
    path.write_text(json.dumps(plan))
    with pytest.raises(ParityError, match=r"expected a drop of at most 0 points, got \d"):
        hvit_edge.compile(
            net("segment"),
            task="segment",
            preprocess=PHOTOS,
            precision="auto",
            calib_data=photo_windows,
            eval_data=photo_windows,
            max_drop=0,
            plan=path,
            output=tmp_path / "a.pte",
        )
    assert not (tmp_path / "a.pte").exists()


@pytest.fixture
def measured(photo_windows):
    """`task -> FloatAnswers` of the network."""

    def measure(task):
        asked = read_photo_module(net(task), preprocess=PHOTOS)
        return FloatAnswers(photo_windows, prepare_task(asked, TASKS[task]))

    return measure


class Other(nn.Module):
    """Returns what a function makes of the outputs of the network."""

    def __init__(self, task, change):
        super().__init__()
        self.net, self.change = net(task), change

    def forward(self, x):
        found = self.net(x)
        return self.change(*(found if isinstance(found, tuple) else (found,)))


@pytest.mark.parametrize(
    ("task", "change", "expected"),
    [
        ("embed", lambda e: (e * 3,), 1),
        ("embed", lambda e: (-e,), 0),
        ("segment", lambda m: (m + 1,), 1),
        ("segment", lambda m: (m.roll(1, 1),), 0),
        ("detect", lambda c, o: (c, o), 1),
        ("detect", lambda c, o: (c, o + 30), 0),
        ("detect", lambda c, o: (c * 0, o), 0),
    ],
)
def test_agreement_is_of_the_final_answers(measured, task, change, expected):
    answers = measured(task)
    assert answers.top1(Other(task, change)) == pytest.approx(expected, abs=0.02)


def test_the_agreement_of_maps_is_their_overlap(measured):
    """Half of each map becomes a class of its own: it agrees on no class there."""
    answers = measured("segment")

    def halve(maps):
        changed = maps.clone()
        changed[:, :, :4] = 0
        changed[:, 7, :4] = 100
        return (changed,)

    with torch.no_grad():
        wanted = [net("segment")(torch.from_numpy(x))[0].argmax(0) for x in answers.inputs]
    shares = []
    for one in wanted:
        other = one.clone()
        other[:4] = 7
        classes = set(one.unique().tolist()) | {7}
        pairs = [((one == k), (other == k)) for k in classes]
        shares.append(np.mean([float((a & b).sum() / (a | b).sum()) for a, b in pairs]))
    assert answers.top1(Other("segment", halve)) == pytest.approx(np.mean(shares))
