"""The state file of an evaluation: accepted, truncated and refused content."""

import io
import json
import os
import tarfile

import pytest

from hvit_edge.datasets import open_images
from hvit_edge.errors import InputError
from hvit_edge.evaluate.report import Outcome
from hvit_edge.evaluate.state import EvalState, describe_evaluation

HEADER = {"hvit_edge_eval": 1, "artifact_sha256": "00" * 32, "images": 3, "against_eager": False}
OUTCOMES = [Outcome(0, 2, 6), Outcome(1, skipped="caf\udce9: [load_image] bad"), Outcome(2, 0, 1)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.jsonl"


def test_what_is_written_is_read_again(path):
    state = EvalState(path, HEADER, classes=7)
    assert state.outcomes == []
    state.append(OUTCOMES[:2])
    state = EvalState(path, HEADER, classes=7)
    assert state.outcomes == OUTCOMES[:2]
    state.append(OUTCOMES[2:])
    assert state.outcomes == OUTCOMES
    assert EvalState(path, HEADER, classes=7).outcomes == OUTCOMES
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        HEADER,
        {
            "outcomes": [
                {"index": 0, "rank": 2, "predicted": 6},
                {"index": 1, "skipped": "caf\udce9: [load_image] bad"},
            ]
        },
        {"outcomes": [{"index": 2, "rank": 0, "predicted": 1}]},
    ]


def test_reading_writes_nothing(path):
    EvalState(path, HEADER, classes=7)
    assert not path.exists()


def test_eager_answers_are_kept(path):
    header = HEADER | {"against_eager": True}
    outcomes = [Outcome(0, 0, 1, 3, 2), Outcome(1, skipped="bad")]
    EvalState(path, header, classes=7).append(outcomes)
    assert EvalState(path, header, classes=7).outcomes == outcomes


@pytest.mark.parametrize(
    "content",
    [b"\n", b"hello\n", b"hello", b"{}\n", b"[1]\n", b"1\n", b"\xff\xfe\x00PK", b"[" * 100_000]
    + [json.dumps(HEADER | {"images": 4}).encode()],  # of another evaluation, and torn
)
def test_a_foreign_file_is_refused_and_kept(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected a state file of hvit-edge eval, got another"):
        EvalState(path, HEADER, classes=7)
    assert path.read_bytes() == content


def test_another_version_is_refused(path):
    path.write_text(json.dumps(HEADER | {"hvit_edge_eval": 2}) + "\n")
    with pytest.raises(InputError, match="another: hvit_edge_eval 2 instead of 1;"):
        EvalState(path, HEADER, classes=7)


def batch(*rows):
    return json.dumps({"outcomes": rows})


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", "a finished batch"),
        ("{", "a finished batch"),
        ("[]", "a finished batch"),
        (json.dumps(HEADER), "a finished batch"),
        (batch({"index": 1, "rank": 0, "predicted": 0}), "the outcome of image 0"),
        (batch({"index": False, "rank": 0, "predicted": 0}), "the outcome of image 0"),
        (batch({"index": 0, "rank": 7, "predicted": 0}), "the outcome of image 0"),
        (batch({"index": 0, "rank": 0, "predicted": -1}), "the outcome of image 0"),
        (batch({"index": 0, "rank": 0.5, "predicted": 0}), "the outcome of image 0"),
        (batch({"index": 0, "rank": 0}), "the outcome of image 0"),
        (batch({"index": 0, "rank": 0, "predicted": 0, "more": 1}), "the outcome of image 0"),
        (batch({"index": 0, "skipped": 3}), "the outcome of image 0"),
        (batch({"index": 0, "skipped": "bad", "rank": 0}), "the outcome of image 0"),
        (batch(3), "the outcome of image 0"),
        (
            batch({"index": 0, "rank": 0, "predicted": 0, "eager_rank": 0, "eager_predicted": 0}),
            "the outcome of image 0",
        ),
        (batch(*({"index": i, "skipped": "bad"} for i in range(4))), "no more than 3 images"),
    ],
)
def test_an_altered_batch_is_refused_with_its_line(path, line, wanted):
    content = json.dumps(HEADER) + "\n" + line + "\n"
    path.write_text(content)
    with pytest.raises(InputError, match=f"state.jsonl, line 2: expected {wanted}, got .*delete"):
        EvalState(path, HEADER, classes=7)
    assert path.read_text() == content


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a state file that can be read, got Is a dir"):
        EvalState(tmp_path, HEADER, classes=7)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_an_input_error(path, monkeypatch):
    state = EvalState(path, HEADER, classes=7)
    state.prepare()
    monkeypatch.setattr(state, "_path", "/dev/full")
    with pytest.raises(InputError, match="/dev/full: .* can be written, got No space left on dev"):
        state.append(OUTCOMES)
    assert state.outcomes == []


def test_a_file_that_vanishes_is_not_begun_in_the_middle(path):
    state = EvalState(path, HEADER, classes=7)
    state.append(OUTCOMES[:1])
    path.unlink()
    with pytest.raises(InputError, match="can be written, got No such file"):
        state.append(OUTCOMES[1:])
    assert not path.exists()


def test_an_unreadable_artifact_is_refused(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(b"")
    images = open_images(tmp_path, classes=1)
    with pytest.raises(InputError, match=r"expected a file that can be read, got .*no\.pte \(No"):
        describe_evaluation(tmp_path / "no.pte", images, limit=None, against_eager=False)


def test_a_changed_tar_file_of_a_folder_is_another_evaluation(tmp_path):
    """Its images are no files of the folder, so the size of the tar file counts."""
    for name in ("a", "b"):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            for suffix, content in ((".png", b"x" * 600), (".cls", b"0")):
                info = tarfile.TarInfo(f"1{suffix}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    artifact = tmp_path.parent / f"{tmp_path.name}.pte"
    artifact.write_bytes(b"artifact")

    def digest():
        images = open_images(tmp_path, classes=1)
        described = describe_evaluation(artifact, images, limit=None, against_eager=False)
        return described["data_sha256"]

    before = digest()
    assert digest() == before
    with open(tmp_path / "b.tar", "ab") as stream:
        stream.write(bytes(512))
    assert digest() != before
