"""Files that must not load have an error each, and none may crash the process."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.runtime import Classifier, Session


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"^\[Session.load\] .* got no such file: .*x.pte"):
        Session(tmp_path / "x.pte")


def test_directory(tmp_path):
    with pytest.raises(InputError, match="got the directory"):
        Session(tmp_path)


def test_unreadable_path_type():
    with pytest.raises(InputError, match="expected the path of an artifact, got float"):
        Session(1.5)


def test_empty_file(tmp_path):
    with pytest.raises(ArtifactError, match="got the empty file"):
        Session(written(tmp_path / "empty.pte", b""))


@pytest.mark.parametrize("size", [1, 31, 32, 33, 5000])
def test_foreign_file(tmp_path, size):
    with pytest.raises(ArtifactError, match=rf"foreign.pte \({size} bytes\), which is something"):
        Session(written(tmp_path / "foreign.pte", (b"\x89PNG\r\n\x1a\n" * 1000)[:size]))


def test_program_without_seal(tiny, tmp_path):
    with pytest.raises(ArtifactError, match="expected an artifact with a seal, .* without one"):
        Session(written(tmp_path / "bare.pte", tiny.program))


def test_longer_than_the_seal_says(tiny, tmp_path):
    longer = written(tmp_path / "longer.pte", b"0123" + tiny.data)
    with pytest.raises(ArtifactError, match=rf"expected {len(tiny.program)} bytes before the seal"):
        Session(longer)


def test_altered_byte(tiny, tmp_path):
    data = bytearray(tiny.data)
    data[len(data) // 2] ^= 1
    with pytest.raises(ArtifactError, match="checksum"):
        Session(written(tmp_path / "altered.pte", bytes(data)))


def test_newer_container(tiny, tmp_path):
    newer = written(tmp_path / "newer.pte", tiny.seal(tiny.program, version=2))
    with pytest.raises(ArtifactError, match="expected container version 1, got 2 in .*; update"):
        Session(newer)


def test_newer_schema_is_refused_before_its_fields_are_read(tiny):
    path = tiny.make("newer_schema", schema_version=7, std=None, resize="unheard of")
    with pytest.raises(ArtifactError, match="expected schema version 2 at most, got 7; update"):
        Session(path)


def test_a_task_of_a_later_version(tiny):
    path = tiny.make("later_task", schema_version=2, task="pose")
    tasks = "classify, embed, segment, detect, tensor"
    with pytest.raises(ArtifactError, match=f"one of the tasks {tasks}, got 'pose'; update"):
        Session(path)


def test_every_fault_of_an_artifact_of_arrays_is_listed(tiny):
    arrays = {"task": "tensor", "output_names": "y\ny", "golden_input_0": torch.zeros(1, 3)}
    with pytest.raises(ArtifactError) as caught:
        Session(tiny.make("faulty_arrays", **arrays))
    for fault in (
        "hve_schema_version: expected 2, got 1",
        "hve_input_names: missing",
        "hve_output_names: expected 1 different names, got 2",
        "hve_golden_input_0: expected the shape of forward's, [1, 3, 32, 24], got [1, 3]",
        "hve_golden_output_0: missing",
    ):
        assert fault in str(caught.value)


def test_a_sealed_file_that_is_no_program(tiny, tmp_path):
    expected = r"expected to read the program, got (ExecuTorch error|another kind of file)"
    with pytest.raises(ArtifactError, match=expected):
        Session(written(tmp_path / "noise.pte", tiny.seal(bytes(range(256)) * 40)))


def test_every_metadata_fault_is_listed_at_once(tiny):
    path = tiny.make("faulty", model_name=None, mean=[0.5, 0.5], resize_size="36", target=3)
    with pytest.raises(ArtifactError) as caught:
        Session(path)
    for fault in (
        "hve_model_name: missing",
        "hve_mean: expected 3 numbers, got another type or length",
        "hve_resize_size: expected 1 integer, got another type or length",
        "hve_target: expected a string, got another type",
    ):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"resize": "squash"},
            "hve_resize: expected shortest or stretch or shortest-floor, got 'squash'",
        ),
        ({"resize_size": 20}, "resize_size: expected 32 to 16384, got 20"),
        ({"std": [0.2, 0.0, 0.2]}, "expected a finite mean and a std above 0"),
        ({"input_size": [24, 24]}, r"hve_input_size: expected the shape of forward's input"),
        (
            {"labels": "a\nb"},
            r"hve_labels: expected one a class of .* \[1, 7\], got 2",
        ),
        ({"versions": "torch 2"}, "hve_versions: expected lines name=version, got 'torch 2'"),
        (
            {"layers": "a\tint8\t1.0\nb\tint8"},
            r"hve_layers: expected lines name<TAB>.*, got 'b\tint8'",
        ),
        ({"layers": 3}, "hve_layers: expected a string, got another type"),
        ({"golden_output": torch.zeros(3, dtype=torch.int64)}, "expected a tensor of float32"),
        ({"schema_version": 0}, "hve_schema_version: expected 1, got 0"),
    ],
)
def test_impossible_metadata(tiny, changes, message):
    with pytest.raises(ArtifactError, match=message):
        Session(tiny.make("impossible", **changes))


def test_missing_backend(tiny, tmp_path):
    missing = b"No".ljust(len(tiny.backend), b"_")
    renamed = tiny.program.replace(tiny.backend, missing)
    assert renamed != tiny.program
    expected = f"expected the backend {missing.decode()}, got a runtime"
    with pytest.raises(ArtifactError, match=expected):
        Session(written(tmp_path / "backend.pte", tiny.seal(renamed)))


@pytest.mark.parametrize("threads", [-1, 1025, 2**40, 1.5, "2", True])
def test_impossible_threads(tiny, threads):
    with pytest.raises(InputError, match="threads"):
        Session(tiny.path, threads=threads)


def test_classifier_refuses_what_session_refuses(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Classifier(tmp_path / "x.pte")


DAMAGE = """
    import json, pathlib, random, sys

    from hvit_edge.errors import ArtifactError
    from hvit_edge.runtime import Session

    data = pathlib.Path(sys.argv[1]).read_bytes()
    target = pathlib.Path(sys.argv[2])
    rng = random.Random(0)
    counts = {"refused": 0, "loaded": 0}
    for length in rng.sample(range(1, len(data)), 200):
        target.write_bytes(data[:length])
        try:
            Session(target)
            counts["loaded"] += 1
        except ArtifactError as error:
            assert str(error).startswith("[Session.load] expected"), error
            counts["refused"] += 1
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 1, 4, 64])):
            damaged[rng.randrange(len(data))] ^= rng.randrange(1, 256)
        target.write_bytes(damaged)
        try:
            Session(target)
            counts["loaded"] += 1
        except ArtifactError as error:
            assert str(error).startswith("[Session.load] expected"), error
            counts["refused"] += 1
    print(json.dumps(counts))
"""


def test_truncation_and_byte_flips_never_load_and_never_crash(tiny, tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DAMAGE), tiny.path, tmp_path / "damaged.pte"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"refused": 400, "loaded": 0}
