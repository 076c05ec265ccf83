"""The example of docs/coreml.md that puts two packages into one."""

import re
import shutil
from pathlib import Path

import coremltools as ct
import numpy as np
import pytest

from hvit_edge.coreml import load_program

PAGE = Path(__file__).parents[3] / "docs" / "coreml.md"


@pytest.mark.slow
def test_two_packages_in_one_share_their_weights(apple_package, tmp_path, monkeypatch):
    source = apple_package("fp32").path
    for name in ("small", "wide"):
        shutil.copytree(source, tmp_path / f"{name}.mlpackage")
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(example, {})
    spec = ct.models.utils.load_spec("both.mlpackage")
    assert sorted(spec.mlProgram.functions) == ["size_256x256", "size_320x240"]
    weights = Path("Data/com.apple.CoreML/weights/weight.bin")
    assert Path("both.mlpackage", weights).stat().st_size == (source / weights).stat().st_size
    photo = np.random.default_rng(0).integers(0, 256, (1, 3, 16, 16)).astype(np.float32)
    expected = load_program(source).run({"image": photo[0].transpose(1, 2, 0).astype(np.uint8)})
    found = load_program("both.mlpackage").run({"image": photo})
    np.testing.assert_array_equal(found["logits"], expected["logits"])
