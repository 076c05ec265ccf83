"""A compilation that uses the cache writes the same artifact, to the bit, as one that does not."""

from pathlib import Path

import pytest

import hvit_edge

CASES = [
    ("native", "fp32"),
    ("native", "int8"),
    ("native", "int8-dynamic"),
    ("coreml", "fp16"),
    ("coreml", "int8"),
    pytest.param("native", "fp16", marks=pytest.mark.slow),
    pytest.param("xnnpack", "fp32", marks=pytest.mark.slow),
    pytest.param("xnnpack", "fp16", marks=pytest.mark.slow),
    pytest.param("xnnpack", "int8", marks=pytest.mark.slow),
]

EXPECTED = {
    ("native", "int8"): ["rounded weights", "measurements"],
    ("native", "int8-dynamic"): ["rounded weights", "measurements"],
    ("xnnpack", "fp16"): ["measurements"],
    ("xnnpack", "int8"): ["rounded weights", "measurements"],
    ("coreml", "int8"): ["ranges"],
}
"""The results that are used again, besides the rewritten graph."""


def bytes_of(path: Path) -> dict[str, bytes]:
    """Return the content of a file, or of all files of a package, by name."""
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    return {
        file.name: file.read_bytes()
        for file in files
        if file.name != "Manifest.json"  # has random identifiers
    }


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """`(model, cache=...) -> (bytes, reused)` in a fresh cache, at the same moment."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("HVIT_EDGE_CACHE_SIZE", "100MB")
    monkeypatch.setenv("HVIT_EDGE_CACHE_DIR", str(tmp_path / "cache"))

    def make(model, *, cache=True, **options):
        suffix = ".mlpackage" if options["target"] == "coreml" else ".pte"
        artifact = hvit_edge.compile(
            model, output=tmp_path / f"a{suffix}", force=True, cache=cache, **options
        )
        return bytes_of(artifact.path), artifact.report.to_dict()["reused"]

    return make


@pytest.mark.parametrize(("target", "precision"), CASES)
def test_a_module_of_the_user(
    compiled, target, precision, apple_model, tiny_preprocess, photo_windows, monkeypatch
):
    """Its graph is exported again; what is made of the graph is used."""
    if target == "coreml":
        monkeypatch.setattr(f"hvit_edge.targets.{target}.build.SMALLEST", 16)
    options = {"target": target, "precision": precision, "preprocess": tiny_preprocess}
    if precision in ("int8", "int8-dynamic"):
        options["calib_data"] = photo_windows
    expected, _ = compiled(apple_model, cache=False, **options)
    first, nothing = compiled(apple_model, **options)
    second, reused = compiled(apple_model, **options)
    assert nothing == []
    assert reused[0] == "rewritten graph"
    calibrated = [text.rpartition(" of ")[0] for text in reused[1:]]
    assert calibrated == EXPECTED.get((target, precision), [])
    assert first == expected and second == expected


def test_a_registered_model(compiled, photo_windows):
    """Targets and precisions share the exported graph, precisions of a target the rewritten one."""
    options = {"weights": "random", "input_size": 64, "target": "native"}
    expected, _ = compiled("mobilevit_xxs", cache=False, **options)
    first, nothing = compiled("mobilevit_xxs", **options)
    second, reused = compiled("mobilevit_xxs", **options)
    assert nothing == []
    assert reused == ["exported graph", "rewritten graph"]
    assert first == expected and second == expected
    _, of_another = compiled("mobilevit_xxs", precision="fp16", **options)
    assert of_another == ["exported graph", "rewritten graph"]
    other_size = {**options, "input_size": 96}
    assert compiled("mobilevit_xxs", **other_size)[1] == []
    assert compiled("mobilevit_xxs", **{**options, "weights": "cifar10"})[1] == []


def test_int8_dynamic_uses_the_weights_of_int8(
    compiled, apple_model, tiny_preprocess, photo_windows
):
    options = {"target": "native", "preprocess": tiny_preprocess, "calib_data": photo_windows}
    expected, _ = compiled(apple_model, cache=False, precision="int8-dynamic", **options)
    compiled(apple_model, precision="int8", **options)
    found, reused = compiled(apple_model, precision="int8-dynamic", **options)
    assert found == expected
    assert reused == ["rewritten graph", "rounded weights of 2 layers"]
    fewer, reused = compiled(apple_model, precision="int8", calib_samples=32, **options)
    assert reused == ["rewritten graph"]


def test_damaged_files_change_nothing(
    compiled, apple_model, tiny_preprocess, photo_windows, tmp_path, recwarn
):
    options = {"target": "native", "precision": "int8", "preprocess": tiny_preprocess}
    options["calib_data"] = photo_windows
    expected, _ = compiled(apple_model, **options)
    files = sorted((tmp_path / "cache").iterdir())
    kept = [path.read_bytes() for path in files]
    assert [path.name.split("-")[0] for path in files] == ["measured", "rewritten", "rounded"]
    for path, data in zip(files, kept, strict=True):
        path.write_bytes(data[: len(data) // 2])
    recwarn.clear()
    found, reused = compiled(apple_model, **options)
    assert found == expected and reused == []
    warned = [str(one.message) for one in recwarn if "[cache]" in str(one.message)]
    assert sorted(warned) == [f"[cache] {p} is damaged; its content is made again" for p in files]
    assert [path.read_bytes() for path in files] == kept
