"""A module of photos, called for the outputs of a task."""

import dataclasses
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from hvit_edge.models.pooled import PooledClassifier
from hvit_edge.tasks import Detect, Embed, Segment
from hvit_edge.tensors.task_module import TaskModule

PHOTO = torch.arange(12.0).reshape(1, 3, 2, 2)
BOXES = Detect(np.full((2, 4), 0.5))


class Returns(nn.Module):
    """Returns what a function makes of its input."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, x):
        return self.answer(x)


@dataclasses.dataclass
class Output:
    """Has fields as the outputs of transformers do."""

    loss: object
    logits: torch.Tensor
    hidden_states: object = None


@pytest.mark.parametrize(
    ("task", "answer", "expected"),
    [
        (Segment(), lambda x: x, [PHOTO]),
        (Segment(), lambda x: (x,), [PHOTO]),
        (Segment(), lambda x: OrderedDict(out=x, aux=x + 1), [PHOTO]),
        (Segment(), lambda x: {"aux": x + 1, "logits": x}, [PHOTO]),
        (Segment(), lambda x: Output(None, x, (x, x)), [PHOTO]),
        (Segment(), lambda x: {"mask": x}, [PHOTO]),
        (BOXES, lambda x: (x, x + 1), [PHOTO, PHOTO + 1]),
        (BOXES, lambda x: {"offsets": x + 1, "logits": x}, [PHOTO, PHOTO + 1]),
        (Embed(), lambda x: {"embedding": x, "tokens": x + 1}, [PHOTO]),
    ],
)
def test_the_outputs_of_the_task_come_in_its_order(task, answer, expected):
    found = TaskModule(Returns(answer), task)(PHOTO)
    assert len(found) == len(expected)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_outputs_without_the_names_of_the_task_are_all_returned():
    assert len(TaskModule(Returns(lambda x: {"a": x, "b": x}), Segment())(PHOTO)) == 2


class Classifier(PooledClassifier):
    """Has other logits than features."""

    def forward(self, x):
        return self.features(x) * 2

    def features(self, x):
        return x.mean((2, 3))


def test_a_classifier_embeds_by_its_features():
    (found,) = TaskModule(Classifier(), Embed())(PHOTO)
    assert torch.equal(found, PHOTO.mean((2, 3)))
    (found,) = TaskModule(Returns(lambda x: x), Embed())(PHOTO)
    assert torch.equal(found, PHOTO), "a module of the caller is called as it is"
