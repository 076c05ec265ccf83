import re
from pathlib import Path

import coremltools as ct
import pytest
from coremltools.models import utils

from hvit_edge.errors import LoweringError
from hvit_edge.targets.coreml import patches

ROOT = Path(__file__).parents[3]


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
    monkeypatch.setattr(patches, "VERSION", "8.3")
    original = utils._mil_convert
    with (
        pytest.raises(LoweringError, match="expected coremltools 8.3, .* got 9.0"),
        patches.compression_with(ct.PassPipeline.EMPTY),
    ):
        pass
    assert utils._mil_convert is original


def test_the_patched_version_is_the_one_that_is_installed_with_hvit_edge():
    pinned = re.search(r'"coremltools==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert pinned[1] == patches.VERSION
