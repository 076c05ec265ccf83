"""Compiling to ExecuTorch programs for the Core ML delegate."""

import sys

import pytest

import hvit_edge
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.inspection.programs import describe
from hvit_edge.runtime import Session

needs_apple = pytest.mark.skipif(
    sys.platform != "darwin", reason="Core ML runs on Apple systems alone"
)
elsewhere = pytest.mark.skipif(sys.platform == "darwin", reason="this system has Core ML")


@pytest.fixture(scope="module")
def artifact(apple_model, tiny_preprocess, tmp_path_factory):
    return hvit_edge.compile(
        apple_model,
        target="coreml-pte",
        preprocess=tiny_preprocess,
        labels=list("abcde"),
        output=tmp_path_factory.mktemp("programs") / "a.pte",
    )


def test_one_delegate_takes_everything(artifact):
    report = artifact.report.to_dict()
    assert (report["target"], report["precision"]) == ("coreml-pte", "fp16")
    assert (report["delegates"], report["ops_outside"]) == (1, [])
    assert [step["name"] for step in report["steps"]] == ["exported", "rewritten"]


def test_inspect_reads_it_on_any_system(artifact):
    facts = describe(artifact.path)
    assert facts["delegates"] == {"CoreMLBackend": 1} and facts["ops_outside"] == {}
    assert facts["metadata"]["target"] == "coreml-pte"
    assert facts["metadata"]["labels"] == tuple("abcde")
    assert facts["outputs"] == [{"dtype": "float32", "shape": [1, 5]}]


@elsewhere
def test_running_it_says_what_is_missing(artifact):
    with pytest.raises(ArtifactError, match=r"expected the backend CoreMLBackend, got a runtime"):
        Session(artifact.path)


@elsewhere
def test_a_session_that_is_not_prepared_refuses_to_run(artifact):
    session = Session(artifact.path, prepare=False)
    with pytest.raises(ArtifactError, match="expected the backend CoreMLBackend"):
        session.self_test()


@needs_apple
def test_self_test_on_apple_systems(artifact):
    assert Session(artifact.path).self_test().passed


@pytest.mark.parametrize("precision", ["int8", "w8", "auto"])
def test_precisions_that_the_delegate_lacks(precision, apple_model, tiny_preprocess, tmp_path):
    with pytest.raises(InputError, match="expected one of fp16, fp32 for coreml-pte"):
        hvit_edge.compile(
            apple_model,
            target="coreml-pte",
            precision=precision,
            preprocess=tiny_preprocess,
            output=tmp_path / "a.pte",
        )
    assert not list(tmp_path.iterdir())
