"""The class for pipelines of Ray Data: by itself, and in a pipeline on a cluster."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hvit_edge.errors import InputError
from hvit_edge.ray import Predictor
from hvit_edge.runtime import Classifier, Detector, Embedder, Segmenter

DATA = Path(__file__).parents[2] / "cpp/tests/data"
CLASSIFY = DATA / "tiny_native_v1.pte"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Write three photos and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for index in range(3):
        pixels = random.integers(0, 256, (20 + index, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    (folder / "torn.png").write_bytes(b"torn")
    return sorted(folder.iterdir())


def batch_of(photos, kind):
    """Return the photos as paths, bytes or arrays; arrays only of those that can be read."""
    if kind == "paths":
        return np.array([str(path) for path in photos])
    if kind == "bytes":
        return np.array([path.read_bytes() for path in photos], object)
    arrays = np.empty(3, object)
    arrays[:] = [np.asarray(Image.open(path)) for path in photos[:3]]
    return arrays


@pytest.mark.parametrize("kind", ["paths", "bytes", "arrays"])
def test_classes(photos, kind):
    images = batch_of(photos, kind)
    answers = Predictor(CLASSIFY, column="photo")({"photo": images, "id": np.arange(len(images))})
    assert list(answers) == ["photo", "id", "label", "index", "score", "error"]
    classifier = Classifier(CLASSIFY)
    for place, path in enumerate(photos[:3]):
        expected = classifier(path, top_k=1)[0]
        found = tuple(answers[name][place] for name in ("label", "index", "score"))
        assert found == (expected.label, expected.index, expected.score)
        assert answers["error"][place] == ""
    if kind != "arrays":
        assert (answers["label"][3], answers["index"][3]) == ("", -1)
        assert np.isnan(answers["score"][3]) and "[load_image]" in answers["error"][3]


def test_embeddings(photos):
    answers = Predictor(DATA / "native_embed_v2.pte")({"image": batch_of(photos, "paths")})
    expected = Embedder(DATA / "native_embed_v2.pte")(photos[1])
    assert np.array_equal(answers["embedding"][1], expected)
    assert np.isnan(answers["embedding"][3]).all()
    assert answers["embedding"].shape == (4, len(expected))


def test_masks(photos):
    answers = Predictor(DATA / "native_segment_v2.pte")({"image": batch_of(photos, "bytes")})
    segmenter = Segmenter(DATA / "native_segment_v2.pte")
    for place, path in enumerate(photos[:3]):
        assert np.array_equal(answers["mask"][place], segmenter(path).classes)
    assert answers["mask"][3].shape == (0, 0)


def test_boxes(photos):
    answers = Predictor(DATA / "native_detect_v2.pte")({"image": batch_of(photos, "bytes")})
    expected = [vars(box) for box in Detector(DATA / "native_detect_v2.pte")(photos[2])]
    assert answers["boxes"][2] == expected
    assert answers["boxes"][3] == []


def test_refusals():
    with pytest.raises(InputError, match="expected a column 'image', got bytes, path; name the"):
        Predictor(CLASSIFY)({"bytes": [], "path": []})
    with pytest.raises(InputError, match="got one of the task tensor; call Session"):
        Predictor(DATA / "tensors_v2.pte")
    with pytest.raises(InputError, match=r"expected a .pte file, got the package a.mlpackage"):
        Predictor("a.mlpackage")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Ray Data, about its own parts
def test_a_pipeline(nodes, photos):
    import ray

    ray.init(nodes.address, log_to_driver=False)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        rows = (
            ray.data.read_binary_files([str(path) for path in photos], include_paths=True)
            .map_batches(
                Predictor,
                fn_constructor_args=[str(CLASSIFY)],
                fn_constructor_kwargs={"column": "bytes"},
                concurrency=1,
                num_cpus=1,
                batch_size=2,
            )
            .drop_columns(["bytes"])
            .take_all()
        )
    finally:
        ray.shutdown()
    found = {Path(row["path"]).name: row for row in rows}
    classifier = Classifier(CLASSIFY)
    for path in photos[:3]:
        expected = classifier(path, top_k=1)[0]
        row = found[path.name]
        assert (row["label"], row["index"], row["score"], row["error"]) == (
            expected.label,
            expected.index,
            expected.score,
            "",
        )
    assert found["torn.png"]["index"] == -1 and found["torn.png"]["error"]
