"""Session: inputs, outputs and errors."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from hvit_edge.artifact.metadata import Difference, LayerRecord, Metadata
from hvit_edge.errors import ArtifactError, InputError
from hvit_edge.runtime import Classifier, SelfTest, Session, TensorSpec
from hvit_edge.runtime.binding import cpp

# Kernels of XNNPACK and of PyTorch add in different orders: a few units in the last place.
ABSOLUTE_TOLERANCE = 1e-6


def random_input(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, 3, 32, 24)).astype(np.float32)


def eager(tiny, array: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return tiny.model(torch.from_numpy(array)).numpy()


@pytest.fixture(scope="module")
def session(tiny) -> Session:
    return Session(tiny.path)


def test_outputs_equal_eager_pytorch(tiny, session):
    for seed in range(5):
        array = random_input(seed)
        (output,) = session(array)
        assert output.dtype == np.float32
        assert output.shape == (1, 7)
        np.testing.assert_allclose(output, eager(tiny, array), rtol=0, atol=ABSOLUTE_TOLERANCE)


def test_outputs_are_the_callers_own(session):
    (first,) = session(random_input(0))
    kept = first.copy()
    session(random_input(1))
    np.testing.assert_array_equal(first, kept)


def test_inputs_are_left_alone(session):
    array = random_input()
    kept = array.copy()
    session(array)
    np.testing.assert_array_equal(array, kept)


def test_read_only_inputs_are_taken(session):
    array = random_input()
    array.setflags(write=False)
    session(array)


def test_specs_and_sizes(session):
    assert session.inputs == (TensorSpec((1, 3, 32, 24), "float32"),)
    assert session.outputs == (TensorSpec((1, 7), "float32"),)
    assert session.planned_memory_bytes > 0
    assert session.load_seconds > 0


def test_metadata(tiny, session):
    from hvit_edge.preprocess import Preprocess

    assert session.metadata == Metadata(
        schema_version=1,
        model_name="tiny",
        target=tiny.fields["hve_target"],
        precision="fp32",
        created="2026-11-21T10:00:00Z",
        weights_source="random",
        weights_sha256="0" * 64,
        versions={"hvit-edge": "0.1.0", "torch": "2.13.0", "executorch": "1.5.1"},
        labels=("aa", "bé", "c c", "d", "e", "f", "g"),
        preprocess=Preprocess(
            (32, 24), "shortest", 36, "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "BGR"
        ),
        parity=Difference(1e-7, 1e-6, 1.0, True),
        golden_tolerance=1e-4,
    )


def test_what_says_how_photos_are_prepared(tiny, session):
    metadata = session.metadata
    assert (metadata.preprocess_source, metadata.labels_source, metadata.weights_key) == ("",) * 3
    path = tiny.make("said", preprocess_source="assumed: Käse", weights_key="ema")
    for opened in (Session(path), Classifier(path).session):
        metadata = opened.metadata
        assert (metadata.preprocess_source, metadata.weights_key) == ("assumed: Käse", "ema")
        assert metadata.labels_source == ""
    with pytest.raises(ArtifactError, match="expected text in .*hve_weights_key"):
        Session(tiny.make("unsaid", weights_key=3))


def test_layer_records(tiny):
    lines = "a.b:conv2d\tint8\t12.5\nhead:linear\tfp32\tinf\nx\tfp16\t-inf"
    assert Session(tiny.make("layers", layers=lines)).metadata.layers == (
        LayerRecord("a.b:conv2d", "int8", 12.5),
        LayerRecord("head:linear", "fp32", float("inf")),
        LayerRecord("x", "fp16", float("-inf")),
    )
    assert Session(tiny.make("no_layers", layers="")).metadata.layers == ()


def test_metadata_without_labels_and_with_whole_numbers(tiny):
    path = tiny.make("plain", labels="", mean=[0, 0, 0], std=[1, 1, 1], versions="")
    metadata = Session(path).metadata
    assert metadata.labels == ()
    assert metadata.versions == {}
    assert metadata.preprocess.mean == (0.0, 0.0, 0.0)


@pytest.mark.full_runtime
def test_a_program_without_delegate_runs_on_the_optimized_kernels(tiny):
    path = tiny.make("portable", delegate=False)
    array = random_input()
    (output,) = Session(path)(array)
    np.testing.assert_allclose(output, eager(tiny, array), rtol=0, atol=ABSOLUTE_TOLERANCE)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], "expected 1 input, got 0"),
        ([random_input(), random_input()], "expected 1 input, got 2"),
        (
            [random_input()[:, :, :30].copy()],
            r"input 0: expected float32 \[1, 3, 32, 24\], got float32 \[1, 3, 30, 24\]",
        ),
        ([np.repeat(random_input(), 2, 0)], r"expected float32 \[1, 3, 32, 24\], got .* \[2, 3"),
        ([random_input().astype(np.float64)], r"got float64 \[1, 3, 32, 24\]"),
        ([random_input().astype(">f4")], "got another dtype"),
        ([random_input().transpose(0, 1, 3, 2)], "contiguous .*numpy.ascontiguousarray"),
        ([random_input()[:, :, ::-1]], "contiguous .*numpy.ascontiguousarray"),
        ([[1.0, 2.0]], "input 0: expected a numpy array, got list"),
        ([torch.zeros(1, 3, 32, 24)], "input 0: expected a numpy array, got Tensor"),
    ],
)
def test_wrong_inputs(session, arrays, message):
    with pytest.raises(InputError, match=message):
        session(*arrays)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("position", [0, 1000, 3 * 32 * 24 - 1])
def test_nan_and_infinity_are_refused(session, value, position):
    array = random_input()
    array.flat[position] = value
    with pytest.raises(InputError, match=rf"expected finite numbers, got .* at element {position}"):
        session(array)


def test_self_test_passes(session):
    result = session.self_test()
    assert isinstance(result, SelfTest)
    assert result.passed
    assert result.top1_agree
    assert result.max_rel <= 1e-5  # tiny model; the artifact's own tolerance is 1e-4


def test_self_test_sees_an_altered_golden_output(tiny):
    golden = tiny.fields["hve_golden_output"]
    altered = golden.clone()
    altered[0, 2] += 0.01
    result = Session(tiny.make("golden_output", golden_output=altered)).self_test()
    assert not result.passed
    assert result.max_abs == pytest.approx(0.01, rel=1e-3)
    assert result.max_rel == pytest.approx(0.01 / altered.abs().max().item(), rel=1e-3)


def test_self_test_sees_an_altered_golden_image(tiny):
    image = torch.flip(tiny.fields["hve_golden_image"], (1,)).contiguous()
    assert not Session(tiny.make("golden_image", golden_image=image)).self_test().passed


def test_self_test_sees_another_preprocessing(tiny):
    assert not Session(tiny.make("order", channel_order="RGB")).self_test().passed
    assert not Session(tiny.make("filter", interpolation="bilinear")).self_test().passed


def test_self_test_refuses_a_golden_sample_of_another_shape(tiny):
    with pytest.raises(ArtifactError, match=r"hve_golden_output: expected float32 \[1, 7\]"):
        Session(tiny.make("shape", golden_output=torch.zeros(1, 6))).self_test()
    with pytest.raises(ArtifactError, match=r"hve_golden_image: expected \[height, width, 3\]"):
        Session(
            tiny.make("image", golden_image=torch.zeros(9, 9, 4, dtype=torch.uint8))
        ).self_test()


def test_threads_are_set_for_the_process_and_loaded_sessions_adapt(tiny, session):
    array = random_input()
    expected = eager(tiny, array)
    try:
        for threads in (1, 3, 2, 1):
            other = Session(tiny.path, threads=threads)
            assert cpp.threads() == threads
            for each in (session, other):
                np.testing.assert_allclose(each(array)[0], expected, rtol=0, atol=1e-6)
        Session(tiny.path)
        assert cpp.threads() == cpp.auto_threads() >= 1
    finally:
        cpp.set_threads(0)


def test_two_sessions_on_two_threads(tiny):
    inputs = [random_input(seed) for seed in range(2)]
    expected = [eager(tiny, array) for array in inputs]

    def work(index: int) -> float:
        session = Session(tiny.path)
        worst = 0.0
        for _ in range(300):
            worst = max(worst, np.abs(session(inputs[index])[0] - expected[index]).max())
        return worst

    with ThreadPoolExecutor(2) as pool:
        assert max(pool.map(work, range(2))) <= ABSOLUTE_TOLERANCE


def test_changing_threads_while_another_session_runs(tiny):
    array = random_input()
    expected = eager(tiny, array)

    def run(_: int) -> float:
        session = Session(tiny.path)
        return max(np.abs(session(array)[0] - expected).max() for _ in range(200))

    def switch(_: int) -> float:
        for count in range(60):
            cpp.set_threads(1 + count % 3)
        return 0.0

    try:
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(run, 0), pool.submit(run, 1), pool.submit(switch, 2)]
            assert max(job.result() for job in jobs) <= ABSOLUTE_TOLERANCE
    finally:
        cpp.set_threads(0)


def test_one_session_shared_by_threads_takes_turns(tiny, session):
    inputs = [random_input(seed) for seed in range(4)]
    expected = [eager(tiny, array) for array in inputs]
    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda i: session(inputs[i % 4])[0], range(200)))
    for index, output in enumerate(outputs):
        np.testing.assert_allclose(output, expected[index % 4], rtol=0, atol=ABSOLUTE_TOLERANCE)


def test_the_runtime_imports_no_torch():
    code = "import sys, hvit_edge.runtime; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_loading_writes_nothing_to_stderr(tiny):
    code = "import sys; from hvit_edge.runtime import Session; Session(sys.argv[1], threads=1)"
    result = subprocess.run(
        [sys.executable, "-c", code, tiny.path], capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    assert result.stdout == ""
