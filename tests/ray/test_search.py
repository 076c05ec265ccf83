"""The search of precision "auto" on a cluster writes the plan of one process."""

import numpy as np
import pytest
import torch

import hvit_edge
from hvit_edge.compiler.mixed_on_ray import _parts
from hvit_edge.preprocess import load_image
from hvit_edge.quantize.cost import CostProfile, LayerCost, signature_of
from hvit_edge.quantize.layers import find_layers


@pytest.fixture(scope="module")
def labelled(photo_windows, tiny_model, tiny_preprocess, tmp_path_factory):
    """Write an NPZ file whose labels are the answers of the float model, but for every fifth."""
    images = [load_image(path) for path in sorted(photo_windows.iterdir())]
    with torch.inference_mode():
        answers = [
            int(tiny_model(torch.from_numpy(tiny_preprocess(image))).argmax()) for image in images
        ]
    answers[::5] = [(answer + 1) % 5 for answer in answers[::5]]
    path = tmp_path_factory.mktemp("labelled") / "labelled.npz"
    np.savez(path, images=np.stack(images), labels=np.array(answers))
    return path


@pytest.fixture(scope="module")
def profile(tiny_model, tmp_path_factory):
    """Write the costs of a device on which lower precisions are faster."""
    from hvit_edge.lowering import export_graph, rewrite
    from hvit_edge.quantize import reference_graph

    graph = export_graph(tiny_model, (torch.zeros(1, 3, 16, 16),))
    rewrite(graph)
    signatures = {signature_of(layer) for layer in find_layers(reference_graph(graph, "auto"))}
    costs = {name: {"fp32": 2.0, "fp16": 1.5, "int8": 1.0} for name in signatures}
    path = tmp_path_factory.mktemp("profile") / "device.json"
    CostProfile("device", {name: LayerCost(name, ms) for name, ms in costs.items()}).save(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("max_drop", [100, -1])
def test_the_plan_is_that_of_one_process(
    connected, tiny_model, tiny_preprocess, photo_windows, labelled, profile, tmp_path, max_drop
):
    def search(name, cluster):
        made = hvit_edge.compile(
            tiny_model,
            preprocess=tiny_preprocess,
            labels=list("abcde"),
            precision="auto",
            calib_data=photo_windows,
            eval_data=labelled,
            max_drop=max_drop,
            force_inexact=True,
            cost_profile=profile,
            output=tmp_path / f"{name}.pte",
            on=cluster,
        )
        mixture = made.report.to_dict()["mixture"]
        return mixture, (tmp_path / f"{name}.plan.json").read_bytes()

    local, plan = search("a", None)
    spread, other_plan = search("b", connected())
    assert other_plan == plan
    assert len(local["ranking"]) > 3 and local["float_top1"] == 0.8
    assert {**spread, "plan_path": ""} == {**local, "plan_path": ""}


def test_parts_have_all_numbers_once():
    for count in (0, 1, 5, 33):
        parts = _parts(count, 8)
        assert [number for part in parts for number in part] == list(range(count))
        assert len(parts) == min(count, 8) and max(map(len, parts), default=0) <= count // 8 + 1
