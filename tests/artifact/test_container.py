import errno
import math
import os
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from hvit_edge.artifact import container as artifact
from hvit_edge.artifact.metadata import Difference, LayerRecord, Metadata
from hvit_edge.errors import InputError
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Classify, Detect, Embed, Segment

GOLDEN = artifact.Golden(np.zeros((4, 4, 3), np.uint8), np.zeros((1, 2), np.float32))


def metadata_of(*layers):
    return Metadata(
        schema_version=1,
        model_name="m",
        target="xnnpack",
        precision="int8",
        created="2026-11-21T10:00:00Z",
        weights_source="random",
        weights_sha256="0" * 64,
        versions={},
        labels=(),
        preprocess=Preprocess((4, 4), resize_size=4),
        parity=Difference(0.0, 0.0, 1.0, True),
        golden_tolerance=0.25,
        layers=layers,
    )


def test_seal_layout():
    program = bytes(range(256)) * 3
    sealed = artifact.seal(program)
    assert sealed[: len(program)] == program
    assert len(sealed) == len(program) + 32
    magic, container, checksum, length, zero = struct.unpack("<8sIIQQ", sealed[-32:])
    assert (magic, container, length, zero) == (b"HVITEDGE", 1, len(program), 0)
    assert checksum == zlib.crc32(program)


def test_layers_are_lines_of_three_fields():
    metadata = metadata_of(
        LayerRecord("a.b:conv2d", "int8", 12.345),
        LayerRecord("c", "fp32", math.inf),
        LayerRecord("d", "fp16", -math.inf),
    )
    methods = artifact.constant_methods(metadata, GOLDEN)
    assert methods["hve_layers"] == "a.b:conv2d\tint8\t12.35\nc\tfp32\tinf\nd\tfp16\t-inf"
    assert methods["hve_schema_version"] == 1


def test_what_is_not_there_has_no_field():
    methods = artifact.constant_methods(metadata_of(), GOLDEN)
    assert {"hve_layers", "hve_cpu"}.isdisjoint(methods)


def test_the_cpu_is_named():
    metadata = replace(metadata_of(), cpu="arm")
    assert artifact.constant_methods(metadata, GOLDEN)["hve_cpu"] == "arm"


def test_what_says_how_photos_are_prepared_is_written_if_known():
    said = replace(metadata_of(), preprocess_source="config.json", weights_key="ema")
    methods = artifact.constant_methods(said, GOLDEN)
    assert methods["hve_preprocess_source"] == "config.json"
    assert methods["hve_weights_key"] == "ema"
    assert "hve_labels_source" not in methods
    assert "hve_preprocess_source" not in artifact.constant_methods(metadata_of(), GOLDEN)


def test_creation_time_follows_source_date_epoch(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert artifact.creation_time() == "2023-11-14T22:13:20Z"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert artifact.creation_time() > "2026"


def test_written_whole_with_ordinary_permissions(tmp_path):
    path = tmp_path / "a.pte"
    artifact.write_atomically(path, b"data", force=False)
    assert path.read_bytes() == b"data"
    assert path.stat().st_mode & 0o777 == 0o666 & ~artifact._umask()
    assert os.listdir(tmp_path) == ["a.pte"]


def test_existing_file_is_kept_without_force(tmp_path):
    path = tmp_path / "a.pte"
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match=r"\[output\].*existing.*force=True"):
        artifact.write_atomically(path, b"data", force=False)
    assert path.read_bytes() == b"precious"
    artifact.write_atomically(path, b"data", force=True)
    assert path.read_bytes() == b"data"


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match=r"\[output\].*existing folder"):
        artifact.check_output(tmp_path / "no" / "a.pte", force=False)


def test_folder_as_output(tmp_path):
    with pytest.raises(InputError, match=r"\[output\].*got a folder"):
        artifact.check_output(tmp_path, force=True)


def test_folder_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(InputError, match=r"\[output\].*can be written"):
        artifact.check_output(tmp_path / "a.pte", force=False)


def test_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.pte"
    path.write_bytes(b"precious")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"\[output\].*No space left on device; free disk space"):
        artifact.write_atomically(path, b"data", force=True)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["a.pte"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError])
def test_failed_check_leaves_nothing(tmp_path, error):
    seen = []

    def check(written):
        seen.append(written.read_bytes())
        raise error("stop")

    with pytest.raises(error):
        artifact.write_atomically(tmp_path / "a.pte", b"data", force=False, check=check)
    assert seen == [b"data"]
    assert os.listdir(tmp_path) == []


OUTPUT = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
ANSWERS = artifact.GoldenPhoto(np.zeros((4, 4, 3), np.uint8), (OUTPUT, OUTPUT + 1))


def task_fields(task, **fields):
    described = replace(
        metadata_of(), schema_version=2, task=task.name, output_names=task.output_names, **fields
    )
    return artifact.constant_methods(described, ANSWERS)


def test_a_classifier_names_no_task():
    methods = artifact.constant_methods(metadata_of(), GOLDEN)
    assert {"hve_task", "hve_output_names"}.isdisjoint(methods)


def test_a_photo_with_several_answers_has_the_photo_and_each_answer():
    methods = task_fields(Embed(), normalize="l2")
    assert (methods["hve_task"], methods["hve_schema_version"]) == ("embed", 2)
    assert (methods["hve_output_names"], methods["hve_normalize"]) == ("embedding", "l2")
    assert methods["hve_golden_image"].shape == (4, 4, 3)
    assert methods["hve_golden_output_0"].tolist() == OUTPUT.tolist()
    assert methods["hve_golden_output_1"].tolist() == (OUTPUT + 1).tolist()
    assert methods["hve_input_size"] == [4, 4] and methods["hve_labels"] == ""
    assert {"hve_golden_output", "hve_graph_sqnr", "hve_input_names"}.isdisjoint(methods)


def test_answers_of_a_quantized_graph_are_one_for_each_output():
    golden = replace(ANSWERS, graph=(OUTPUT - 1, OUTPUT), least_sqnr_db=(20.0, 30.5))
    described = replace(metadata_of(), task="embed", normalize="none")
    methods = artifact.constant_methods(described, golden)
    assert methods["hve_graph_output_0"].tolist() == (OUTPUT - 1).tolist()
    assert methods["hve_graph_sqnr"] == [20.0, 30.5]


def test_masks_have_colors():
    assert task_fields(Segment(), colors=("#010203", "#ffffff"))["hve_colors"] == "#010203\n#ffffff"
    assert task_fields(Segment())["hve_colors"] == ""


def test_boxes_have_anchors_and_limits():
    spec = Detect([[0.5, 0.25, 0.1, 0.2]], (0.1, 0.3), 0.4, 0.6, 7, 5)
    methods = task_fields(spec, detect=spec)
    assert methods["hve_output_names"] == "logits\noffsets"
    assert methods["hve_anchors"].tolist() == spec.anchors.tolist()
    assert methods["hve_variances"] == [0.1, 0.3]
    assert (methods["hve_score_threshold"], methods["hve_iou_threshold"]) == (0.4, 0.6)
    assert (methods["hve_candidates"], methods["hve_max_detections"]) == (7, 5)


@pytest.mark.parametrize(
    ("fields", "task"),
    [
        ({}, Classify()),
        ({"task": "tensor"}, None),
        ({"task": "embed", "normalize": "none"}, Embed("none")),
        ({"task": "segment", "colors": ("#000000", "#ffffff")}, Segment(("#000000", "#ffffff"))),
        ({"task": "detect", "detect": Detect([[0.5] * 4])}, Detect([[0.5] * 4])),
    ],
)
def test_metadata_says_what_a_program_computes(fields, task):
    assert replace(metadata_of(), **fields).photo_task == task
