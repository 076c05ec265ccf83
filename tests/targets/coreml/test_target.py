from types import SimpleNamespace

import numpy as np

from hvit_edge.preprocess import Preprocess
from hvit_edge.targets.coreml.target import CoreMLTarget
from hvit_edge.targets.target import Sample
from hvit_edge.tasks import Classify


class Counting:
    """A program that answers with the number of its runs."""

    def __init__(self):
        self.asked = []

    def run(self, inputs):
        self.asked.append(inputs)
        return {"logits": np.full((1, 2), len(self.asked), np.float16)}


def sample():
    return Sample((np.zeros((1, 3, 4, 4), np.float32),), np.zeros((4, 4, 3), np.uint8))


def test_a_package_runs_once_for_each_sample():
    program, job = Counting(), SimpleNamespace(preprocess=Preprocess((4, 4)), task=Classify())
    run = CoreMLTarget().run(SimpleNamespace(program=program), job)
    golden, other = sample(), sample()
    answers = [run(each)[0] for each in (golden, other, golden)]
    assert [list(answer[0]) for answer in answers] == [[1, 1], [2, 2], [1, 1]]
    assert all(answer.dtype == np.float32 for answer in answers)
    assert [list(inputs) for inputs in program.asked] == [["image"]] * 2
    assert program.asked[0]["image"] is golden.pixels


def test_two_packages_do_not_share_answers():
    job, golden = SimpleNamespace(preprocess=Preprocess((4, 4)), task=Classify()), sample()
    first, second = Counting(), Counting()
    for program in (first, second):
        CoreMLTarget().run(SimpleNamespace(program=program), job)(golden)
    assert len(first.asked) == len(second.asked) == 1
