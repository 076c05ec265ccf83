"""An artifact of lower precision stores the answer of its graph, and is compared with it."""

import numpy as np
import pytest
import torch

import hvit_edge
from hvit_edge.artifact.container import Golden, GraphAnswer
from hvit_edge.parity.golden_file import read_golden
from hvit_edge.parity.graph_answer import measure_fidelity
from hvit_edge.parity.steps import QUANTIZED
from hvit_edge.quantize import sqnr
from hvit_edge.targets.target import Sample


def test_float32_has_none(tiny_artifact):
    assert read_golden(tiny_artifact) is None
    assert measure_fidelity(None, None, None) == []


@pytest.mark.parametrize("precision", ["fp16", "int8", "int8-dynamic"])
def test_the_program_is_near_its_graph(precision, tiny_quantised, tiny_model, tiny_preprocess):
    path = tiny_quantised(precision).path
    golden, session = read_golden(path), hvit_edge.Session(path)
    array = tiny_preprocess(golden.image)
    with torch.inference_mode():
        eager = tiny_model(torch.from_numpy(array)).numpy()
    assert np.array_equal(golden.output, eager)
    (result,) = measure_fidelity(
        golden, lambda: Sample((array,)), lambda sample: session(*sample.arrays)
    )
    assert (result.name, result.reference, result.passed) == ("fidelity", QUANTIZED, True)
    assert result.sqnr_db == sqnr(golden.graph.output, session(array)[0])
    assert result.sqnr_db > golden.graph.least_sqnr_db
    # The program is closer to its graph than the graph is to the float network.
    assert result.sqnr_db > sqnr(eager, golden.graph.output) - 1


def test_another_answer_fails():
    answer = GraphAnswer(np.array([[1.0, 2.0]], np.float32), 40.0)
    golden = Golden(np.zeros((1, 1, 3), np.uint8), answer.output, answer)
    (result,) = measure_fidelity(golden, lambda: None, lambda sample: (answer.output * 1.02,))
    assert not result.passed and result.sqnr_db == pytest.approx(33.98, abs=0.01)
