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


ITEMS = "return [...document.querySelectorAll('#results li')].map(i => ({...i.dataset}))"
LABELS = "return [...document.querySelectorAll('#results .label')].map(i => i.innerText)"
OVERLAY = """
    const canvas = document.querySelector("#overlay");
    const {width, height} = canvas;
    return [width, height, [...canvas.getContext("2d").getImageData(0, 0, width, height).data]]"""


def small(path, *, left=0):
    """Write a part of the bundled photo, of odd sides; return its pixels."""
    pixels = np.ascontiguousarray(load_image(PHOTO)[40:131, left : left + 117])
    Image.fromarray(pixels).save(path)
    return pixels


def overlay(window):
    """Return what is drawn over the photo, uint8 [height, width, 4]."""
    width, height, values = window.script(OVERLAY)
    return np.array(values, np.uint8).reshape(height, width, 4)


def test_a_mask(page, tmp_path):
    artifact = DATA / "native_segment_v2.pte"
    pixels = small(tmp_path / "photo.png")
    expected = hvit_edge.Segmenter(artifact, threads=1)(pixels)
    with page(artifact) as window:
        assert window.data("#self-test")["passed"] == "true"
        assert window.text("#no-results") == "No photo yet."
        window.choose("#photo", tmp_path / "photo.png")
        assert window.state("answered") == "answered"
        drawn, items = overlay(window), window.script(ITEMS)
        window.screenshot(tmp_path / "mask.png")
    assert drawn.shape[:2] == expected.classes.shape
    seen = expected.classes != 0 if expected.labels[0] == "background" else expected.classes >= 0
    assert ((drawn[..., 3] > 0) == seen).all() and seen.any()
    colors = np.array([tuple(color) for color in map(rgb, expected.colors)])
    np.testing.assert_allclose(drawn[seen][:, :3], colors[expected.classes[seen]], atol=2)
    shares = {index: (expected.classes == index).mean() for index in np.unique(expected.classes)}
    assert {int(i["index"]): pytest.approx(float(i["score"])) for i in items} == shares


def rgb(color):
    """Return the channels of a color that is written "#rrggbb", or is channels already."""
    return bytes.fromhex(color[1:]) if isinstance(color, str) else color


def test_boxes(page, tmp_path):
    artifact = DATA / "native_detect_v2.pte"
    pixels = small(tmp_path / "photo.png")
    expected = hvit_edge.Detector(artifact, threads=1)(pixels, score_threshold=0.3)
    with page(artifact) as window:
        window.choose("#photo", tmp_path / "photo.png")
        assert window.state("answered") == "answered"
        drawn, items = overlay(window), window.script(ITEMS)
        labels = window.script(LABELS)
        window.screenshot(tmp_path / "boxes.png")
    assert [int(item["index"]) for item in items] == [one.index for one in expected]
    assert labels == [one.label for one in expected] and labels
    np.testing.assert_allclose(
        [[*map(float, (item["score"], *item["bbox"].split()))] for item in items],
        [[one.score, one.x, one.y, one.width, one.height] for one in expected],
        rtol=1e-4, atol=0.01,
    )  # fmt: skip
    assert drawn.shape[:2] == pixels.shape[:2]
    for one in expected:  # the lower side of each box is drawn, which no label covers
        row = min(round(one.y + one.height), drawn.shape[0] - 1)
        assert drawn[row, round(one.x + one.width / 2) - 1, 3] > 0


def test_no_object(page, tmp_path):
    with page(DATA / "native_detect_v2.pte") as window:
        Image.new("RGB", (9, 7)).save(tmp_path / "black.png")
        window.choose("#photo", tmp_path / "black.png")
        assert window.state("answered") == "answered"
        found = hvit_edge.Detector(DATA / "native_detect_v2.pte")(
            tmp_path / "black.png", score_threshold=0.3
        )
        assert len(window.script(ITEMS)) == len(found)
        if not found:
            assert window.text("#no-results") == "No object has a score above 30 %."


def test_the_similarity_of_photos(page, tmp_path):
    artifact = DATA / "native_embed_v2.pte"
    embed = hvit_edge.Embedder(artifact, threads=1)
    vectors = [embed(small(tmp_path / f"{left}.png", left=left)) for left in (0, 60, 200)]
    with page(artifact) as window:
        for left in (0, 60, 200):
            window.choose("#photo", tmp_path / f"{left}.png")
            assert window.state("answered") == "answered"
            if left == 0:
                assert "compares it with this one" in window.text("#no-results")
        shown = dict(zip(window.script(LABELS), window.script(ITEMS), strict=True))
        window.screenshot(tmp_path / "similarity.png")
    for name, vector in zip(("0.png", "60.png"), vectors, strict=False):
        cosine = vector @ vectors[2] / np.linalg.norm(vector) / np.linalg.norm(vectors[2])
        assert float(shown[name]["score"]) == pytest.approx(cosine, abs=1e-5)
    assert len(shown) == 2


def test_another_model_hides_the_boxes_of_the_former_one(page, tmp_path):
    small(tmp_path / "photo.png")
    with page(DATA / "native_detect_v2.pte") as window:
        window.choose("#photo", tmp_path / "photo.png")
        assert window.state("answered") == "answered"
        window.choose("#artifact", DATA / "native_embed_v2.pte")
        assert window.state("ready") == "ready"
        assert window.script("return document.querySelector('#overlay').hidden")
        assert window.script(ITEMS) == []


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
