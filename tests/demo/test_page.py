"""The page in Chromium: a photo, the camera, the self-test, and what it refuses."""

import re
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from plan_artifact import DATA

import hvit_edge
from hvit_edge.demo import server
from hvit_edge.demo.server import PageServer
from hvit_edge.demo.site import PAGE, collect
from hvit_edge.preprocess import load_image

PHOTO = PAGE.parent / "photos/chelsea.jpg"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def model(once):
    """The bundled model, compiled for the target native."""

    def fill(folder):
        hvit_edge.compile(
            "mobilevit_xxs", weights="cifar10", target="native", output=folder / "model.pte"
        )

    return once("demo-model", fill) / "model.pte"


@contextmanager
def served(artifact):
    with PageServer(collect(artifact)) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running.address
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture
def page(wasm, chromium):
    """`(artifact, *options) -> Browser` that shows the page, in a block."""

    @contextmanager
    def show(artifact, *options):
        with served(artifact) as address, chromium(*options) as window:
            window.open(address)
            window.state("ready")
            yield window

    return show


def lossless(path):
    """Write the pixels of the bundled photo to a file that every decoder reads alike."""
    Image.fromarray(load_image(PHOTO)).save(path)
    return path


def test_a_photo(page, model, tmp_path, record_property):
    classify = hvit_edge.Classifier(model, threads=1)
    expected = classify(load_image(PHOTO), top_k=5)
    test = classify.session.self_test()
    with page(model) as window:
        shown = window.data("#self-test")
        assert shown["passed"] == "true"
        assert float(shown["maxRel"]) == pytest.approx(test.max_rel, abs=2e-6)
        assert "passed: differs from PyTorch by" in window.text("#self-test")
        assert "native, fp32, 64 × 64 pixels" in window.text("#program")

        window.choose("#photo", lossless(tmp_path / "photo.png"))
        window.state("answered")
        script = "return [...document.querySelectorAll('#results li')].map(i => ({...i.dataset}))"
        items = window.script(script)
        assert [int(item["index"]) for item in items] == [one.index for one in expected]
        scores = [float(item["score"]) for item in items]
        np.testing.assert_allclose(scores, [one.score for one in expected], rtol=1e-5)
        assert window.text("#results li:first-child .label") == expected[0].label
        latency = float(window.data("#latency")["ms"])
        record_property("latency_ms", latency)
        assert latency > 0
        shown = window.text("#latency")
        assert re.fullmatch(r"\d+\.\d+ ms, (median of the last \d+ runs|one run), with .*", shown)

        window.choose("#photo", PHOTO)
        window.state("answered")
        assert window.text("#results li:first-child .label") == expected[0].label
        for name, size in {"desktop": (1100, 800), "phone": (390, 900)}.items():
            for dark in (False, True):
                window.resize(*size, dark=dark)
                wide = "return document.documentElement.scrollWidth"
                assert window.script(wide) <= size[0]
                window.screenshot(tmp_path / f"{name}{'-dark' if dark else ''}.png")


def test_the_camera(page, model):
    with page(model, "--use-fake-ui-for-media-stream") as window:
        window.click("#camera")
        window.until("/of the last ([5-9]|\\d\\d) runs/.test(document.body.innerText)")
        assert window.script("return document.body.dataset.state") == "camera"
        assert window.text("#camera") == "Stop the camera"
        assert len(window.text("#results").split("%")) == 6
        window.click("#camera")
        window.until("document.querySelector('#camera').innerText === 'Use the camera'")
        assert window.script("return document.querySelector('#video').srcObject") is None


def test_no_permission_to_use_the_camera(page, model):
    with page(model, "--deny-permission-prompts") as window:
        window.click("#camera")
        assert window.state() == "error"
        expected = "[camera] expected a camera and permission to use it, got a refusal; allow"
        assert window.text("#error").startswith(expected)
        window.choose("#photo", PHOTO)  # the page still works
        assert window.state("answered") == "answered"
        assert window.script("return document.querySelector('#error').hidden")


def test_files_that_are_refused(page, model, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "text.pte").write_text("no artifact")
    with page(model) as window:
        for chooser, file, message in (
            ("#photo", tmp_path / "text.jpg", "[photo] expected a photo that the browser reads"),
            ("#artifact", tmp_path / "text.pte", "[Session.load] expected"),
            ("#artifact", DATA / "tiny_v1.pte", "XnnpackBackend"),
        ):
            window.choose(chooser, file)
            window.until(f"document.querySelector('#error').innerText.includes({message!r})")
        window.choose("#photo", PHOTO)  # the model that was open still is
        assert window.state("answered") == "answered"
        window.choose("#artifact", DATA / "native_v1.pte")
        assert window.state("ready") == "ready"
        assert "7" not in window.text("#results")


def test_a_model_of_arrays(page):
    with page(DATA / "native_tensors_v2.pte") as window:
        assert window.data("#self-test")["passed"] == "true"
        assert "takes arrays, not photos" in window.text("#no-results")
        assert window.script("return document.querySelector('#stage').hidden")


@pytest.mark.parametrize("task", ["embed", "segment", "detect"])
def test_a_model_of_another_task(page, task):
    with page(DATA / f"native_{task}_v2.pte") as window:
        assert window.data("#self-test")["passed"] == "true"
        assert f"shows no results of the task {task}" in window.text("#no-results")
        assert window.script("return document.querySelector('#stage').hidden")


@pytest.mark.parametrize(
    ("altered", "lack"),
    [
        ("WebAssembly.validate = () => false", "the SIMD instructions of WebAssembly"),
        ("delete globalThis.WebAssembly", "WebAssembly, got a browser or a policy that denies it"),
    ],
)
def test_no_simd(wasm, chromium, altered, lack):
    with served(DATA / "native_v1.pte") as address, chromium() as window:
        window.before_each_page(altered)
        window.open(address)
        assert window.state("ready") == "error"
        assert window.text("#error").startswith(f"[web] expected {lack}")


def test_a_policy_that_denies_webassembly(wasm, chromium, monkeypatch):
    policy = server.HEADERS["Content-Security-Policy"].replace(" 'wasm-unsafe-eval'", "")
    monkeypatch.setitem(server.HEADERS, "Content-Security-Policy", policy)
    with served(DATA / "native_v1.pte") as address, chromium() as window:
        window.open(address)
        assert window.state("ready") == "error"
        assert window.text("#error").startswith("[web] expected permission to compile WebAssembly")


def test_the_keyboard_reaches_every_control(page, model):
    with page(model) as window:
        names = """
            const found = [];
            for (const one of document.querySelectorAll("button, input:not([hidden])")) {
              one.focus();
              found.push(document.activeElement === one && one.tabIndex === 0);
            }
            return found;"""
        assert window.script(names) == [True, True, True]
        unnamed = """
            return [...document.querySelectorAll("button, input, video, canvas")]
              .filter((one) => !(one.innerText || one.ariaLabel)).length"""
        assert window.script(unnamed) == 0
