import shutil

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil.mil import Builder as mb

from hvit_edge.coreml.package import read_package
from hvit_edge.coreml.written import check_written
from hvit_edge.errors import ArtifactError

MODEL, WEIGHTS = "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture
def copied(save, tmp_path):
    """`(evaluated package, path of a copy)` of a network with weights in their file."""
    weight = np.random.default_rng(0).standard_normal((8, 4, 3, 3)).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec((1, 4, 6, 6))], opset_version=ct.target.iOS17)
    def network(x):
        return mb.conv(x=x, weight=weight, name="y")

    source, copy = save(network), tmp_path / "copy.mlpackage"
    shutil.copytree(source, copy)
    return read_package(source), copy


def change(path, edit):
    spec = read_package(path).spec
    edit(spec)
    (path / MODEL).write_bytes(spec.SerializeToString())


def test_a_copy_with_other_metadata_passes(copied):
    evaluated, path = copied
    change(path, lambda spec: spec.description.metadata.userDefined.update({"hve_test": "1"}))
    check_written(path, evaluated)


def test_another_program_is_refused(copied):
    evaluated, path = copied

    def rename(spec):
        block = spec.mlProgram.functions["main"].block_specializations["CoreML7"]
        block.operations[-1].attributes["name"].immediateValue.tensor.strings.values[0] = "z"

    change(path, rename)
    with pytest.raises(ArtifactError, match="got another program; check the disk"):
        check_written(path, evaluated)


def test_other_weights_are_refused(copied):
    evaluated, path = copied
    data = bytearray((path / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (path / WEIGHTS).write_bytes(data)
    with pytest.raises(ArtifactError, match=r"got other weights in weight\.bin"):
        check_written(path, evaluated)


def test_a_package_that_cannot_be_read_is_refused(copied):
    evaluated, path = copied
    (path / WEIGHTS).write_bytes(b"")
    with pytest.raises(ArtifactError, match="expected all weights"):
        check_written(path, evaluated)
