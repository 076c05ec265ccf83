import json
import shutil
import sys

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb

from hvit_edge.coreml import Feature, load_program, read_package
from hvit_edge.errors import ArtifactError, InputError

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
LABELS = ["cat", "dog", "bird", "fish"]


@pytest.fixture(scope="module")
def saved(save):
    weight = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec((1, 3, 8, 6))], opset_version=ct.target.iOS17)
    def network(photo):
        scores = mb.reduce_mean(x=mb.conv(x=photo, weight=weight), axes=[2, 3])
        return mb.softmax(x=scores, axis=-1, name="probabilities")

    image = ct.ImageType(name="photo", shape=(1, 3, 8, 6), color_layout=ct.colorlayout.BGR)
    return save(network, inputs=[image], classifier_config=ct.ClassifierConfig(LABELS))


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "copy.mlpackage")


def test_what_a_package_says(saved):
    package = read_package(str(saved))
    assert package.inputs == (Feature("photo", (1, 3, 8, 6), "float32", "image", "BGR"),)
    assert [output.kind for output in package.outputs] == ["label", "probabilities"]
    assert package.labels == tuple(LABELS)
    assert package.metadata["com.github.apple.coremltools.source"] == "milinternal"
    assert package.weights.is_dir()


def test_integer_labels(save):
    @mb.program(input_specs=[mb.TensorSpec((1, 3))], opset_version=ct.target.iOS17)
    def network(x):
        return mb.softmax(x=x, axis=-1)

    path = save(network, classifier_config=ct.ClassifierConfig([4, 5, 6]))
    package = read_package(path)
    assert package.labels == (4, 5, 6)
    assert not package.weights.exists() or not list(package.weights.iterdir())
    assert package.inputs == (Feature("x", (1, 3), "float32"),)


@pytest.mark.parametrize("read", [read_package, load_program])
def test_nothing_there(read, tmp_path):
    with pytest.raises(ArtifactError, match=r"\[read_package\] expected a package at .*, got noth"):
        read(tmp_path / "none.mlpackage")


def test_a_file_instead_of_a_folder(saved):
    with pytest.raises(ArtifactError, match="to be a folder, got a file"):
        read_package(saved / "Manifest.json")


def test_no_manifest(copy):
    (copy / "Manifest.json").unlink()
    with pytest.raises(ArtifactError, match=r"expected .*Manifest.json, got nothing"):
        read_package(copy)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"itemInfoEntries": 5}', "[" * 100000, "\ud800"]
)
def test_a_damaged_manifest(copy, text):
    (copy / "Manifest.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ArtifactError, match="to name the model"):
        read_package(copy)


@pytest.mark.parametrize(
    "path, message",
    [
        (5, "expected a path"),
        ("a\0b", "expected a path"),
        ("../Manifest.json", "expected a model inside"),
        ("/etc/hostname", "expected a model inside"),
        ("com.apple.CoreML/other.mlmodel", "expected the model file"),
    ],
)
def test_a_manifest_that_names_no_model(copy, path, message):
    manifest = json.loads((copy / "Manifest.json").read_text())
    manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = path
    (copy / "Manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=message):
        read_package(copy)


def test_a_missing_model(copy):
    (copy / MODEL).unlink()
    with pytest.raises(ArtifactError, match="expected the model file"):
        read_package(copy)


def test_a_truncated_model_at_every_seventh_length(copy):
    contents = (copy / MODEL).read_bytes()
    for length in [*range(0, len(contents), 7), len(contents) - 1]:
        (copy / MODEL).write_bytes(contents[:length])
        with pytest.raises(ArtifactError, match="damaged bytes|expected an ML program"):
            read_package(copy)


def test_altered_models_are_refused_or_read(copy):
    contents = (copy / MODEL).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, len(contents), 60):
        altered = bytearray(contents)
        altered[place] ^= 1 << int(rng.integers(0, 8))
        (copy / MODEL).write_bytes(bytes(altered))
        try:
            load_program(copy)
        except ArtifactError:
            refused += 1
    assert refused > 10


def test_another_type_of_model(copy):
    spec = read_package(copy).spec
    spec.neuralNetwork.SetInParent()
    (copy / MODEL).write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match="expected an ML program in .*, got neuralNetwork;"):
        read_package(copy)


def test_a_program_without_its_function_or_its_opset(copy):
    spec = read_package(copy).spec
    spec.description.defaultFunctionName = "other"
    (copy / MODEL).write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match=r"expected a function other, got \['main'\]"):
        read_package(copy)
    spec.description.defaultFunctionName = ""
    spec.mlProgram.functions["main"].opset = "CoreML99"
    (copy / MODEL).write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match=r"a body for opset 'CoreML99', got \['CoreML7'\]"):
        read_package(copy)


def test_features_that_cannot_be_read(copy):
    spec = read_package(copy).spec
    spec.description.input[0].type.imageType.colorSpace = 10
    (copy / MODEL).write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match="image photo: expected RGB or BGR, got GRAYSCALE"):
        read_package(copy)
    spec.description.input[0].type.sequenceType.SetInParent()
    (copy / MODEL).write_bytes(spec.SerializeToString())
    with pytest.raises(ArtifactError, match="photo: expected a multi-array.*, got sequenceType"):
        read_package(copy)


def test_missing_weights(copy):
    shutil.rmtree(copy / "Data/com.apple.CoreML/weights")
    with pytest.raises(ArtifactError, match="weights file weight.bin is missing"):
        load_program(copy)


def test_truncated_weights_at_many_lengths(copy):
    contents = (copy / WEIGHTS).read_bytes()
    for length in [*range(0, len(contents), 13), len(contents) - 1]:
        (copy / WEIGHTS).write_bytes(contents[:length])
        with pytest.raises(ArtifactError, match=r"expected all weights .*(begins|ends) at byte"):
            load_program(copy)


def test_weights_of_another_model(copy):
    contents = bytearray((copy / WEIGHTS).read_bytes())
    contents[72:80] = (4).to_bytes(8, "little")
    (copy / WEIGHTS).write_bytes(bytes(contents))
    with pytest.raises(ArtifactError, match="has 4 bytes in weight.bin, needs 432"):
        load_program(copy)
    (copy / WEIGHTS).write_bytes(bytes(len(contents)))
    with pytest.raises(ArtifactError, match="does not begin at byte 64 of weight.bin"):
        load_program(copy)


def test_without_coremltools(saved, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "coremltools"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(InputError, match=r"coremltools.*pip install 'hvit-edge\[compile\]'"):
        read_package(saved)
