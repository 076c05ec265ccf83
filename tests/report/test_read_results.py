"""Which files a report reads, and which it refuses."""

import json

import pytest

from hvit_edge.errors import InputError
from hvit_edge.report.read_results import read_results

PROFILE = {"artifact": "a.pte", "operators": [], "unit": "ns", "inference": 1.0}
LATENCY = {"artifact": "a.pte", "latency_ms": {"p50": 2.0}, "load_ms": 1.0}


def written(folder, **files):
    paths = []
    for name, value in files.items():
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(value))
    return paths


def test_results_of_an_artifact_are_together(tmp_path):
    peer = {"hvit_edge_peer": 1, "name": "peer", "accuracy": 0.5}
    one, two = read_results(written(tmp_path, a=PROFILE, b=peer, c=LATENCY))
    assert (one.name, one.profile, one.latency, one.evaluation) == ("a.pte", PROFILE, LATENCY, None)
    assert (two.name, two.peer) == ("peer", peer)


def test_a_comparison_is_the_evaluation_of_both(tmp_path):
    def evaluation(name):
        return {"artifact": name, "task": "classify", "data": "d", "per_class": []}

    both = {**evaluation("a.pte"), "against": evaluation("b.pte")}
    found = read_results(written(tmp_path, a=both))
    assert [(each.name, each.evaluation["artifact"]) for each in found] == [
        ("a.pte", "a.pte"),
        ("b.pte", "b.pte"),
    ]


def test_a_second_result_of_a_kind(tmp_path):
    with pytest.raises(InputError, match="expected one profile of a.pte, got a second one"):
        read_results(written(tmp_path, a=PROFILE, b=PROFILE))


@pytest.mark.parametrize(
    ("text", "got"), [("{", "no JSON"), ("[]", "JSON that is no object"), ("{}", "other JSON")]
)
def test_other_files(tmp_path, text, got):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=f"got {got}; write it with --format json"):
        read_results([tmp_path / "a.json"])


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(InputError, match="got No such file"):
        read_results([tmp_path / "a.json"])
