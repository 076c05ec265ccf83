"""The runtime in WebAssembly, in node: the same answers as the runtime of this machine."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from plan_artifact import DATA, read_case, write_artifact

import hvit_edge
from hvit_edge.demo.site import PAGE

SCRIPT = Path(__file__).parent / "run_artifact.mjs"
MOST_BYTES = 600_000
SYSTEM = {"clock_time_get", "fd_close", "fd_seek", "fd_write", "proc_exit"}
"""Imports that the page gives to the C library: the time, and output before it stops."""
# Of the largest output. Multiply-adds are fused here and not there; float16 rounds in other places.
LIMITS = {"native_v1.pte": 1e-6, "native_half_v1.pte": 2e-3}

pytestmark = pytest.mark.slow


@pytest.fixture
def run(wasm, node, tmp_path):
    """`(artifact, inputs) -> (what node printed, outputs)`."""

    def ask(artifact, inputs=None):
        files = [tmp_path / "inputs", tmp_path / "outputs"] if inputs is not None else []
        if files:
            files[0].write_bytes(np.concatenate([x.ravel() for x in inputs]).tobytes())
        command = [node, SCRIPT, PAGE, artifact, *files]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        printed = json.loads(done.stdout)
        outputs = np.fromfile(files[1], np.float32) if files and "error" not in printed else None
        return printed, outputs

    return ask


def test_the_file_is_small(wasm):
    assert wasm.stat().st_size <= MOST_BYTES


def test_the_page_gives_all_that_the_file_imports(wasm, node):
    script = (
        "const fs = require('fs');"
        f"const module = new WebAssembly.Module(fs.readFileSync({json.dumps(str(wasm))}));"
        "console.log(JSON.stringify(WebAssembly.Module.imports(module)));"
    )
    done = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    imports = json.loads(done.stdout)
    assert {one["kind"] for one in imports} == {"function"}
    assert {one["name"] for one in imports} <= SYSTEM


@pytest.mark.parametrize("name", LIMITS)
def test_artifacts(name, run):
    session = hvit_edge.Session(DATA / name, threads=1)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(spec.shape).astype(np.float32) for spec in session.inputs]
    expected = np.concatenate([output.ravel() for output in session(*inputs)])
    printed, outputs = run(DATA / name, inputs)
    here = session.self_test()
    assert printed["selfTest"]["passed"] and here.passed
    assert printed["selfTest"]["max_rel"] == pytest.approx(here.max_rel, abs=LIMITS[name])
    assert printed["description"]["target"] == "native"
    assert printed["description"]["runtime"] == hvit_edge.__version__
    assert np.abs(outputs - expected).max() <= LIMITS[name] * np.abs(expected).max()


def test_arrays_of_other_dtypes(run):
    """Integers and booleans are inputs of its golden sample."""
    printed, _ = run(DATA / "native_tensors_v2.pte")
    assert printed["description"]["task"] == "tensor"
    assert printed["selfTest"]["passed"] and printed["selfTest"]["max_rel"] <= 1e-6
    refused, _ = run(DATA / "native_tensors_v2.pte", [np.zeros(18, np.float32)])
    assert refused["kind"] == "Refused"
    assert "expected tensors of float32, got one of int64" in refused["error"]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_kind_of_operation(version, run, tmp_path, record_property):
    """A plan has all that its version added: kinds, functions, activations and int8."""
    case = read_case(version)
    artifact = tmp_path / "plan.pte"
    write_artifact(case, artifact)
    (here,) = hvit_edge.Session(artifact, threads=1)(case.given)
    _, outputs = run(artifact, [case.given])
    start = 0
    for name, limit, expected in case.parts:
        part = slice(start, start + len(expected))
        start = part.stop
        np.testing.assert_allclose(outputs[part], expected, rtol=0, atol=limit, err_msg=name)
        if limit <= 2e-6:  # int8 differs more: its activations are rough on other processors
            gap = np.abs(outputs[part] - here[part]).max() / np.abs(expected).max()
            record_property(name, float(gap))
            assert gap <= 1e-6, name
    assert start == len(outputs)


@pytest.mark.parametrize(
    ("options", "lack"),
    [
        ([], None),
        (["--no-enable-sse4-1"], "the SIMD instructions of WebAssembly, got a browser or a"),
        (["--no-expose-wasm"], "WebAssembly, got a browser or a policy that denies it"),
    ],
)
def test_a_processor_without_simd(options, lack, node):
    """V8 has no SIMD on processors without SSE4.1."""
    script = (
        f"import({json.dumps(str(PAGE / 'support.js'))})"
        ".then((support) => console.log(JSON.stringify(support.missing())));"
    )
    command = [node, *options, "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    if lack is None:
        assert said is None
    else:
        assert said.startswith(f"[web] expected {lack}")


def test_an_artifact_for_xnnpack(run):
    printed, _ = run(DATA / "tiny_v1.pte")
    assert printed["kind"] == "Refused"
    assert "XnnpackBackend" in printed["error"] and "native" in printed["error"]


@pytest.mark.parametrize("content", [b"", b"no artifact", bytes(1000)])
def test_a_file_that_is_no_artifact(content, run, tmp_path):
    file = tmp_path / "none.pte"
    file.write_bytes(content)
    printed, _ = run(file)
    assert printed["kind"] == "Refused"
    assert printed["error"].startswith("[Session.load] expected")


def test_an_altered_artifact(run, tmp_path):
    altered = bytearray((DATA / "native_v1.pte").read_bytes())
    altered[len(altered) // 2] ^= 1
    (tmp_path / "altered.pte").write_bytes(altered)
    printed, _ = run(tmp_path / "altered.pte")
    assert printed["kind"] == "Refused" and "checksum" in printed["error"]


def test_too_few_values(run):
    printed, _ = run(DATA / "native_v1.pte", [np.zeros(5, np.float32)])
    assert printed["error"].startswith("[web.run] expected 2304 values")
