"""Our metadata in a package: a round trip, and what is refused."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from hvit_edge.artifact.container import Golden, GoldenPhoto
from hvit_edge.artifact.metadata import SCHEMA_VERSION, SOURCES, Difference, Metadata
from hvit_edge.coreml.metadata import read_metadata, write_metadata
from hvit_edge.errors import ArtifactError
from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Detect

METADATA = Metadata(
    schema_version=SCHEMA_VERSION,
    model_name="own",
    target="coreml",
    precision="w8",
    created="2026-11-21T10:00:00Z",
    weights_source="hf:owner/repo",
    weights_sha256="ab" * 32,
    versions={"hvit-edge": "0.1.0", "torch": "2.13.0+cpu=x"},
    labels=("cat", "fire, engine", 'quo"te', "Käse 猫 🐈", "\ttab ", "b\\n"),
    preprocess=Preprocess(
        (5, 7),
        resize_size=9,
        interpolation="bilinear",
        mean=(0.485, 0.1, 0.0),
        std=(0.229, 1 / 3, 2.0),
        channel_order="BGR",
    ),
    parity=Difference(1.25e-5, 3.5e-7, 0.99999, False),
    golden_tolerance=0.2,
    preprocess_source="assumed: default of own",
    weights_key="state_dict_ema",
)


def golden(colours=256):
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (colours, 3), np.uint8)
    image = palette[rng.integers(0, colours, (5, 7))]
    return Golden(image, rng.standard_normal((1, 6)).astype(np.float32))


@pytest.fixture
def strings():
    return write_metadata(METADATA, golden())


@pytest.mark.parametrize("colours", [1, 3, 16, 256, 400])
def test_round_trip(colours):
    given = golden(colours)
    strings = write_metadata(METADATA, given)
    assert all(isinstance(text, str) for text in strings.values())
    metadata, read = read_metadata(strings)
    assert metadata == METADATA
    np.testing.assert_array_equal(read.image, given.image)
    np.testing.assert_array_equal(read.output, given.output)
    assert (read.image.dtype, read.output.dtype) == (np.uint8, np.float32)


def test_many_colours_are_kept():
    image = np.arange(30 * 40 * 3, dtype=np.uint32).reshape(30, 40, 3).astype(np.uint8)
    image[..., 0] = np.arange(40)
    image[..., 1] = np.arange(30)[:, None]
    metadata = replace(METADATA, labels=())
    read, sample = read_metadata(write_metadata(metadata, Golden(image, np.ones((1, 2)))))
    np.testing.assert_array_equal(sample.image, image)
    assert read.labels == ()


def test_keys_are_those_of_the_document(strings):
    assert strings["hve_labels"].split("\n") == list(METADATA.labels)
    assert json.loads(strings["hve_input_size"]) == [5, 7]
    assert base64.b64decode(strings["hve_golden_image"]).startswith(b"\x89PNG")
    assert len(base64.b64decode(strings["hve_golden_output"])) == 6 * 4


def test_foreign_packages_are_refused():
    with pytest.raises(ArtifactError, match=r"\[package\] .* without its metadata; compile"):
        read_metadata({"com.github.apple.coremltools.source": "torch"})


@pytest.mark.parametrize("version", ["2", "0", '"1"', "null", "[1]"])
def test_other_schemas_are_refused(strings, version):
    with pytest.raises(ArtifactError, match=r"\[package\] expected schema version 1, got"):
        read_metadata(strings | {"hve_schema_version": version})


def test_fields_that_older_packages_lack():
    older = replace(METADATA, preprocess_source="", weights_key="")
    strings = write_metadata(older, golden())
    assert set(SOURCES.values()).isdisjoint(strings)
    assert read_metadata(strings)[0] == older


REQUIRED = write_metadata(METADATA, golden()).keys() - set(SOURCES.values())


@pytest.mark.parametrize("missing", sorted(REQUIRED))
def test_a_missing_field_is_refused(strings, missing):
    del strings[missing]
    with pytest.raises(ArtifactError, match=r"\[package\] expected .*; compile the model"):
        read_metadata(strings)


DAMAGE = {
    "hve_schema_version": ["", "one", "{"],
    "hve_parity": ["[1, 2]", "1", "x", "[1,2,3,4,5]"],
    "hve_versions": ["torch 2.13"],
    "hve_input_size": ["[0, 5]", "[5]", "5", "x"],
    "hve_resize": ["crop"],
    "hve_resize_size": ["3", "x"],
    "hve_interpolation": ["nearest"],
    "hve_mean": ["[1, 2]", '["a", 1, 2]', "3"],
    "hve_std": ["[0, 1, 1]", "[NaN, 1, 1]"],
    "hve_channel_order": ["GRB"],
    "hve_golden_image": ["", "%%%", base64.b64encode(b"no picture").decode()],
    "hve_golden_output": ["%", "AAA", base64.b64encode(b"abcde").decode()],
}


@pytest.mark.parametrize(
    ("field", "text"), [(k, text) for k, all_ in DAMAGE.items() for text in all_]
)
def test_a_damaged_field_is_refused(strings, field, text):
    with pytest.raises(ArtifactError, match=r"\[package\] expected .*; (compile|install)"):
        read_metadata(strings | {field: text})


OF_TASKS = {
    "embed": {"output_names": ("embedding",), "normalize": "l2", "labels": ()},
    "segment": {"output_names": ("logits",), "colors": ("#00ff7f",) * 6},
    "detect": {
        "output_names": ("logits", "offsets"),
        "detect": Detect(
            np.linspace(0.1, 0.9, 12).reshape(3, 4), (0.1, 0.25), 0.3, 0.45, candidates=7
        ),
    },
}


def of_task(task, **fields):
    given = {"schema_version": 2, "task": task, **OF_TASKS[task], **fields}
    return replace(METADATA, **given)


def golden_photo(task, **fields):
    rng = np.random.default_rng(1)
    outputs = [rng.standard_normal((1, 3, 4)).astype(np.float32) for _ in range(2)]
    return GoldenPhoto(
        golden().image, tuple(outputs[: len(OF_TASKS[task]["output_names"])]), **fields
    )


@pytest.mark.parametrize("task", OF_TASKS)
@pytest.mark.parametrize("quantized", [False, True])
def test_round_trip_of_a_task(task, quantized):
    given, fields = golden_photo(task), {}
    if quantized:
        fields = {"graph": given.outputs, "least_sqnr_db": (30.5, -np.inf)[: len(given.outputs)]}
    strings = write_metadata(of_task(task), replace(given, **fields))
    metadata, read = read_metadata(strings)
    assert (metadata, metadata.photo_task) == (of_task(task), of_task(task).photo_task)
    assert isinstance(read, GoldenPhoto)
    np.testing.assert_array_equal(read.image, given.image)
    for one, other in zip(read.outputs, given.outputs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert read.least_sqnr_db == fields.get("least_sqnr_db", ())
    assert (read.graph is not None) == quantized


def test_colors_and_labels_may_be_missing():
    given = of_task("segment", colors=(), labels=())
    assert read_metadata(write_metadata(given, golden_photo("segment")))[0] == given


@pytest.mark.parametrize(
    ("task", "field", "text"),
    [
        ("embed", "hve_normalize", "l1"),
        ("segment", "hve_colors", "#00ff7"),
        ("detect", "hve_variances", "[0.1]"),
        ("detect", "hve_variances", "0.1"),
        ("detect", "hve_iou_threshold", "2"),
        ("detect", "hve_candidates", "0"),
        ("detect", "hve_anchors", "AAAA"),
        ("detect", "hve_golden_output_1", None),
        ("embed", "hve_golden_image", None),
        ("segment", "hve_schema_version", "1"),
        ("detect", "hve_task", "pose"),
    ],
)
def test_a_damaged_field_of_a_task_is_refused(task, field, text):
    strings = write_metadata(of_task(task), golden_photo(task))
    if text is None:
        del strings[field]
    else:
        strings[field] = text
    with pytest.raises(ArtifactError, match=r"\[package\] expected .*; (compile|install)"):
        read_metadata(strings)
