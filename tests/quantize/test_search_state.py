"""The state file of a search: what it keeps, and what it refuses."""

import json
import math

import pytest

from hvit_edge.errors import InputError
from hvit_edge.quantize.search_state import SearchState
from hvit_edge.quantize.sensitivity import Sensitivity

NOISE = {"layer": "a", "precision": "int8", "noise": 1.0, "sqnr_db": 1.0, "agreement": 1.0}


def test_state_keeps_what_is_not_finite(tmp_path):
    found = [
        Sensitivity("a", "int8", math.inf, -math.inf, 0.0),
        Sensitivity("b", "fp16", 0.0, math.inf, 1.0),
    ]
    state = SearchState(tmp_path / "state.json", "digest")
    for item in found:
        state.add_sensitivity(item)
    assert "Infinity" not in (tmp_path / "state.json").read_text()
    assert SearchState(tmp_path / "state.json", "digest").sensitivities == found


def test_state_knows_a_plan_by_what_is_not_float(tmp_path):
    state = SearchState(tmp_path / "state.json", "digest")
    state.add_evaluation({"b": "int8", "a": "fp16", "c": "fp32"}, 0.25)
    again = SearchState(tmp_path / "state.json", "digest")
    assert again.evaluation({"a": "fp16", "b": "int8"}) == 0.25
    assert again.evaluation({"a": "fp16"}) is None
    assert again.evaluation({}) is None


def valid_state(**changed):
    content = {"format": "hvit-edge search 1", "digest": "digest"}
    content |= {"costs": [], "sensitivities": [], "evaluations": [], **changed}
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "expected a state file of a precision search, got another file"),
        ("{", "expected a state file of a precision search, got another file"),
        ("[" * 100_000, "expected a state file of a precision search, got another file"),
        ("[]", "expected a state file of a precision search, got another file"),
        ('{"format": "hvit-edge plan 1", "layers": {}}', "got another file"),
        (valid_state(digest="other"), r"expected the state of this search \(digest\).*\(other\)"),
        (valid_state(digest=None), "got that of another"),
        (valid_state(costs={}), "the file was altered"),
        (valid_state(more=1), "the file was altered"),
        (valid_state(costs=[{"signature": "s"}]), "expected a signature and positive"),
        (valid_state(sensitivities=[3]), "a layer's sensitivity"),
        (valid_state(sensitivities=[{**NOISE, "layer": 3}]), "a layer's sensitivity"),
        (valid_state(sensitivities=[{**NOISE, "precision": "int4"}]), "a layer's sensitivity"),
        (valid_state(sensitivities=[{**NOISE, "noise": "much"}]), "expected numbers"),
        (valid_state(sensitivities=[{**NOISE, "noise": 10**400}]), "expected numbers"),
        (valid_state(evaluations=[{"layers": {}}]), "an evaluated plan"),
        (valid_state(evaluations=[{"layers": [], "top1": 1}]), "the layers of a plan"),
        (valid_state(evaluations=[{"layers": {"a": 8}, "top1": 1}]), "the layers of a plan"),
        (valid_state(evaluations=[{"layers": {}, "top1": 2}]), "a share from 0 to 1"),
        (valid_state(evaluations=[{"layers": {}, "top1": True}]), "a share from 0 to 1"),
    ],
)
def test_state_that_does_not_fit_is_left_as_it_is(tmp_path, text, fault):
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(InputError, match=fault):
        SearchState(path, "digest")
    assert path.read_text() == text


def test_state_of_the_right_search_is_taken(tmp_path):
    (tmp_path / "state.json").write_text(valid_state(sensitivities=[NOISE]))
    assert SearchState(tmp_path / "state.json", "digest").sensitivities == [Sensitivity(**NOISE)]


def test_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    state = SearchState(tmp_path / "state.json", "digest")
    (tmp_path / "state.json").write_text("mine")
    with pytest.raises(InputError, match="expected a new file"):
        state.add_evaluation({}, 0.5)
    assert (tmp_path / "state.json").read_text() == "mine"


def test_state_in_a_missing_folder(tmp_path):
    state = SearchState(tmp_path / "none" / "state.json", "digest")
    with pytest.raises(InputError, match="expected an existing folder"):
        state.add_evaluation({}, 0.5)


def test_state_that_is_a_folder(tmp_path):
    with pytest.raises(InputError, match="expected a state file that can be read"):
        SearchState(tmp_path, "digest")
