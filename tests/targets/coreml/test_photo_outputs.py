"""The outputs of packages for the tasks on photos, and the pipeline of a detector."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.coreml import load_program, read_package
from hvit_edge.coreml.suppression import read_suppression
from hvit_edge.lowering import export_graph, rewrite
from hvit_edge.lowering.pipeline import COREML_PIPELINE
from hvit_edge.targets.coreml.build import IOS, Options, build
from hvit_edge.targets.coreml.detector_pipeline import detector, pipeline, suppression_of
from hvit_edge.targets.coreml.photo_outputs import (
    classified,
    detected,
    embedded,
    in_float32,
    segmented,
)
from hvit_edge.targets.coreml.translate import translate
from hvit_edge.tasks import Detect

SIZE = (24, 32)
CLASSES, ANCHORS = 4, 6 * 8 * 2
SHARES = {"fp32": 1e-6, "fp16": 4e-3}  # of the largest logit, and of a score


class Net(nn.Module):
    """A small network with the results of each task."""

    def __init__(self, task):
        super().__init__()
        self.task = task
        self.stem = nn.Conv2d(3, 8, 3, 4, 1)
        nn.init.normal_(self.stem.weight, std=1e-3)  # of pixels from 0 to 255
        self.masks = nn.Conv2d(8, CLASSES, 1)
        self.heads = nn.Conv2d(8, 2 * (4 + CLASSES), 1)

    def forward(self, x):
        maps = F.relu(self.stem(x))
        if self.task == "embed":
            return maps.mean((2, 3))
        if self.task == "segment":
            return self.masks(maps)
        rows = self.heads(maps).permute(0, 2, 3, 1).reshape(1, -1, 4 + CLASSES)
        offsets, logits = rows.split((4, CLASSES), dim=-1)
        return logits, offsets


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(5).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def anchors():
    return np.random.default_rng(6).uniform(0.1, 0.9, (ANCHORS, 4)).astype(np.float32)


def network(task):
    torch.manual_seed(3)
    return Net(task).eval()


def planes(image):
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]


def made(task, image, outputs, precision="fp32", ios=17):
    """The network of a task as a model of coremltools."""
    graph = export_graph(network(task), (planes(image),))
    rewrite(graph, passes=COREML_PIPELINE)
    translated = translate(graph, opset=IOS[ios], pixels=None, outputs=outputs)
    options = Options(ios, precision, False, ())
    return build(translated, options, in_float32=in_float32(translated.program))


def answers(task, image):
    with torch.inference_mode():
        found = network(task)(planes(image))
    return [one.numpy() for one in (found if isinstance(found, tuple) else [found])]


def test_embedding_is_not_normalized(image):
    program = load_program(made("embed", image, embedded).package_path)
    found = program.run({"image": image})
    (expected,) = answers("embed", image)
    assert list(found) == ["embedding"] and found["embedding"].dtype == np.float32
    np.testing.assert_allclose(found["embedding"], expected, rtol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_classes_are_the_largest_upsampled_logits(image, precision):
    program = load_program(made("segment", image, segmented(SIZE), precision).package_path)
    found = program.run({"image": image})
    (expected,) = answers("segment", image)
    assert sorted(found) == ["classes", "logits"]
    assert (found["classes"].shape, found["classes"].dtype) == (SIZE, np.int32)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found["logits"], expected, atol=scale * SHARES[precision])
    wide = F.interpolate(
        torch.from_numpy(found["logits"]).double(), size=SIZE, mode="bilinear", align_corners=False
    )
    best = wide[0].topk(2, dim=0)
    clear = (best.values[0] - best.values[1]).numpy() > scale * 2 * SHARES[precision]
    np.testing.assert_array_equal(found["classes"][clear], best.indices[0].numpy()[clear])
    assert clear.mean() > 0.9 and len(np.unique(found["classes"])) > 1


def decoded(logits, offsets, anchors, variances):
    """Scores without the background and boxes, in float64."""
    scores = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    center = anchors[:, :2] + offsets[:, :2].astype(np.float64) * variances[0] * anchors[:, 2:]
    size = anchors[:, 2:] * np.exp(offsets[:, 2:].astype(np.float64) * variances[1])
    return scores[:, 1:], np.concatenate([center, size], axis=1)


@pytest.mark.parametrize(("precision", "ios"), [("fp32", 17), ("fp16", 18), ("w8", 17)])
def test_a_detector_is_a_pipeline(image, anchors, precision, ios, tmp_path):
    outputs = detected(anchors, (0.1, 0.2))
    program = made("detect", image, outputs, precision, ios)
    suppress = suppression_of(["cat", "dog", "owl"], iou=0.45, confidence=0.3, most=20)
    path = tmp_path / "a.mlpackage"
    pipeline(program, suppress).save(str(path))
    package, program = read_package(path), load_program(path)
    assert package.suppression == suppress
    assert [(f.name, f.kind) for f in package.inputs] == [("image", "image")]
    found = program.run({"image": image})
    assert list(found) == ["logits", "offsets", "raw_confidence", "raw_coordinates"]
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    logits, offsets = answers("detect", image)
    np.testing.assert_allclose(found["logits"], logits, atol=6e-2 * np.abs(logits).max())
    shares, boxes = decoded(found["logits"][0], found["offsets"][0], anchors, (0.1, 0.2))
    bound = "fp32" if precision == "fp32" else "fp16"
    np.testing.assert_allclose(found["raw_confidence"], shares, atol=SHARES[bound])
    np.testing.assert_allclose(found["raw_coordinates"], boxes, rtol=1e-6, atol=1e-6)
    scores, kept = suppress(found["raw_confidence"], found["raw_coordinates"])
    assert 0 < len(kept) <= 20 and scores.max(1).min() >= 0.3


def test_the_number_of_classes_is_that_of_the_program(image, anchors):
    program = made("detect", image, detected(anchors, (0.1, 0.2)))
    task = Detect(anchors, score_threshold=0.25, iou_threshold=0.6, max_detections=9)
    last = detector(program, task, ()).get_spec().pipeline.models[1]
    read = read_suppression(last)
    assert read.labels == ("class 1", "class 2", "class 3")
    assert (read.confidence_threshold, read.iou_threshold, read.most) == (0.25, 0.6, 9)
    labels = read_suppression(
        detector(program, task, ["a", "b", "a"]).get_spec().pipeline.models[1]
    )
    assert labels.labels == ("a (0)", "b", "a (2)")


def test_the_specification_of_a_detector(image, anchors):
    suppress = suppression_of(["cat", "dog", "owl"], iou=0.45, confidence=0.3, most=20)
    spec = pipeline(made("detect", image, detected(anchors, (0.1, 0.2))), suppress).get_spec()
    assert spec.WhichOneof("Type") == "pipeline" and spec.specificationVersion == 8
    first, last = spec.pipeline.models
    produced = {feature.name: feature.type for feature in first.description.output}
    for feature in last.description.input:
        if feature.name in produced:  # Core ML refuses a pipeline whose parts differ
            assert feature.type == produced.pop(feature.name)
        else:
            assert feature.type.isOptional and feature.type.HasField("doubleType")
    assert set(produced) == {"logits", "offsets"}
    assert [f.name for f in spec.description.input] == [
        "image",
        "iouThreshold",
        "confidenceThreshold",
    ]
    assert spec.description.output == last.description.output
    ranges = {
        feature.name: [
            (size.lowerBound, size.upperBound)
            for size in feature.type.multiArrayType.shapeRange.sizeRanges
        ]
        for feature in spec.description.output
    }
    assert ranges == {"confidence": [(0, 20), (3, 3)], "coordinates": [(0, 20), (4, 4)]}


def test_the_outputs_of_a_classifier_are_the_default(image):
    graph = export_graph(network("embed"), (planes(image),))
    rewrite(graph, passes=COREML_PIPELINE)
    translated = translate(graph, opset=IOS[17], pixels=None)
    names = [var.name for var in translated.program.functions["main"].outputs]
    assert names == ["logits", "probabilities"] and callable(classified)
