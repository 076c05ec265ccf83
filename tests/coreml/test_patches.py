"""coremltools imported without libraries that it does not need, compared with a plain import."""

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from hvit_edge.boundary import patched_version
from hvit_edge.coreml import patches
from hvit_edge.coreml.patches import NEWEST_SKLEARN, TRAINING, light_import

STATE = """
import json, sys
import coremltools
from coremltools import _deps
from coremltools.converters.mil.frontend.torch.torch_op_registry import _TORCH_OPS_REGISTRY
from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY
from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry as Core

heavy = [m for m in ("torchao", "sklearn", "executorch.exir") if m in sys.modules]
print(json.dumps({
    "heavy": heavy,
    "known": {name: value for name, value in vars(_deps).items() if name.startswith("_HAS")},
    "modules": sorted(m for m in sys.modules if m.startswith("coremltools.")),
    "operators": sorted(_TORCH_OPS_REGISTRY.name_to_func_mapping),
    "passes": sorted(PASS_REGISTRY.passes),
    "core": sorted(Core.core_ops),
}))
"""
LIGHT = "from hvit_edge.coreml.toolkit import toolkit; toolkit()\n"
LATER = """
from coremltools.converters.mil.frontend.torch import quantization_ops
import torchao
from torchao.quantization import quant_primitives
import executorch.exir
assert quantization_ops.torchao_quant.ZeroPointDomain is quant_primitives.ZeroPointDomain
import coremltools
assert coremltools.optimize.torch.palettization.PostTrainingPalettizer
print(torchao.__version__, hasattr(executorch.exir, "to_edge"))
"""


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_coremltools_is_the_same():
    light, plain = json.loads(printed(LIGHT + STATE)), json.loads(printed(STATE))
    assert light.pop("heavy") == []
    assert plain.pop("heavy") == ["torchao", "sklearn", "executorch.exir"]
    assert not [name for name in light["modules"] if name.startswith(TRAINING)]
    plain["modules"] = [name for name in plain["modules"] if not name.startswith(TRAINING)]
    assert light == plain


@pytest.mark.slow
def test_the_libraries_are_found_when_they_are_used():
    assert printed(LIGHT + LATER).split() == [version("torchao"), "True"]


def stand_ins(monkeypatch, **versions: str) -> set[str]:
    monkeypatch.setattr(patches, "installed", lambda name: versions.get(name, ""))
    return set(patches._stand_ins())


def test_a_scikit_learn_that_coremltools_uses_is_imported(monkeypatch):
    newest = ".".join(map(str, NEWEST_SKLEARN))
    assert "sklearn" not in stand_ins(monkeypatch, **{"scikit-learn": f"{newest}.1"})
    assert "sklearn" in stand_ins(monkeypatch, **{"scikit-learn": "1.6.0"})


def test_libraries_that_are_missing_stay_missing(monkeypatch):
    assert stand_ins(monkeypatch) == {TRAINING}


def test_another_version_is_imported_as_it_is_and_said_to_be(monkeypatch):
    monkeypatch.delitem(sys.modules, "coremltools", raising=False)
    monkeypatch.setattr(patched_version, "installed", lambda package: "9.1")
    monkeypatch.setattr(patched_version, "_noticed", set())
    before = dict(sys.modules)
    said = r"\[patches\] expected coremltools 9.0, .* got 9.1; they are left as they are"
    with pytest.warns(UserWarning, match=said), light_import():
        assert sys.modules == before


def test_a_missing_coremltools_is_not_mentioned(monkeypatch, recwarn):
    monkeypatch.delitem(sys.modules, "coremltools", raising=False)
    monkeypatch.setattr(patched_version, "installed", lambda package: "")
    before = dict(sys.modules)
    with light_import():
        assert sys.modules == before
    assert not recwarn
