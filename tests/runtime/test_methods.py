"""Artifacts whose list of methods is wrong; cpp/tests/test_methods.cpp runs right ones."""

import copy

import pytest
import torch
from executorch.exir import to_edge
from torch import nn

from hvit_edge.artifact.metadata import Method
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.runtime import Classifier, Session


def test_a_list_of_one_method(tiny):
    path = tiny.make("one_method", methods="32x24\t1\t32\t24")
    session = Session(path)
    assert session.metadata.methods == (Method("32x24", 1, (32, 24)),)
    assert session.metadata.method == "32x24"
    session.select("32x24")
    assert session.self_test().passed
    assert Classifier(path).metadata.method == "32x24"


def test_an_artifact_without_a_list_has_no_method(tiny):
    session = Session(tiny.path)
    assert (session.metadata.methods, session.metadata.method) == ((), "")
    with pytest.raises(InputError, match="expected no method for an artifact of one input size"):
        session.select("32x24")


@pytest.mark.parametrize(
    ("methods", "fault"),
    [
        ("32x24", "expected lines name<TAB>batch<TAB>height<TAB>width, got '32x24'"),
        ("32x24\t0\t32\t24", "expected lines name<TAB>batch"),
        ("a\t1\t32\t24\na\t1\t32\t32", "expected different names, got two a"),
        ("a\t1\t32\t24\nb\t1\t32\t32", "hve_methods: expected methods of the program, got b"),
        ("a\t1\t64\t24", "hve_methods: expected the input size of a, 32x24, got 64x24"),
        ("a\t2\t32\t24", r"hve_input_size: expected the shape of forward's input, .*1, 3, 32, 24"),
    ],
)
def test_a_wrong_list_is_refused(tiny, methods, fault):
    path = tiny.make(f"methods_{abs(hash(methods))}", methods=methods)
    with pytest.raises(ArtifactError, match=fault):
        Session(path, prepare=False)


def test_methods_of_different_classes_are_refused(tiny, tmp_path):
    other = copy.deepcopy(tiny.model)
    other.head = nn.Linear(16, 5)
    exported = {
        name: torch.export.export(model, (torch.zeros(1, 3, 32, 24),))
        for name, model in (("forward", tiny.model), ("b", other.eval()))
    }
    fields = {**tiny.fields, "hve_methods": "a\t1\t32\t24\nb\t1\t32\t24"}
    program = to_edge(exported, constant_methods=fields).to_executorch().buffer
    path = tmp_path / "classes.pte"
    path.write_bytes(tiny.seal(program))
    with pytest.raises(ArtifactError, match=r"the same classes in every method, got \[1, 5\] in b"):
        Session(path, prepare=False)
