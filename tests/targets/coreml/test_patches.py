import coremltools as ct
import pytest
from coremltools.models import utils

from hvit_edge.boundary import patched_version
from hvit_edge.errors import LoweringError
from hvit_edge.targets.coreml import patches


def test_compression_converts_with_the_given_passes_only_in_the_block(monkeypatch):
    asked = []
    monkeypatch.setattr(utils, "_mil_convert", lambda model, **given: asked.append(given))
    original = utils._mil_convert
    passes = ct.PassPipeline.EMPTY
    with pytest.raises(ZeroDivisionError), patches.compression_with(passes):
        utils._mil_convert("model")
        raise ZeroDivisionError
    assert asked == [{"pass_pipeline": passes}]
    assert utils._mil_convert is original


def test_another_version_of_coremltools_is_refused(monkeypatch):
    monkeypatch.setattr(patched_version, "installed", lambda package: "8.3")
    original = utils._mil_convert
    with (
        pytest.raises(LoweringError, match="expected coremltools 9.0, .* got 8.3; pip install"),
        patches.compression_with(ct.PassPipeline.EMPTY),
    ):
        pass
    assert utils._mil_convert is original
