"""Our metadata in a package: a round trip, and what is refused."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from hvit_edge.artifact.container import Golden
from hvit_edge.artifact.metadata import SCHEMA_VERSION, SOURCES, Difference, Metadata
from hvit_edge.coreml.metadata import read_metadata, write_metadata
from hvit_edge.errors import ArtifactError
from hvit_edge.preprocess import Preprocess

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
