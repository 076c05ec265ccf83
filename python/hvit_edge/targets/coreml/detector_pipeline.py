"""Put a detector's program and Core ML's `NonMaximumSuppression` into one model, for Vision.

Vision gives `VNRecognizedObjectObservation`s for a pipeline whose last model is a
NonMaximumSuppression with the outputs "confidence" and "coordinates". The thresholds are inputs
too, which an app may leave out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coremltools.models import MLModel
from coremltools.proto import FeatureTypes_pb2, Model_pb2

from hvit_edge.coreml.features import RAW_CONFIDENCE, RAW_COORDINATES
from hvit_edge.coreml.suppression import CONFIDENCE, COORDINATES, Suppression
from hvit_edge.targets.coreml.build import unique_labels
from hvit_edge.tasks import Detect

IOU_THRESHOLD, CONFIDENCE_THRESHOLD = "iouThreshold", "confidenceThreshold"
BOX = 4
FLOAT32 = FeatureTypes_pb2.ArrayFeatureType.FLOAT32
TEXTS = {
    IOU_THRESHOLD: "Boxes with a larger intersection over union are suppressed (default {:g}).",
    CONFIDENCE_THRESHOLD: "Boxes with a lower confidence are left out (default {:g}).",
    CONFIDENCE: "The confidence of each class, [boxes, classes]; the background is left out.",
    COORDINATES: "Center x, center y, width and height, [boxes, 4], in parts of the photo.",
}


def suppression_of(
    labels: Sequence[str], *, iou: float, confidence: float, most: int
) -> Suppression:
    """Return the suppression of the packages that hvit-edge writes.

    Args:
        labels: unique class names without the background, in class order.
        iou, confidence: the thresholds.
        most: largest number of boxes.
    """
    return Suppression(RAW_CONFIDENCE, RAW_COORDINATES, iou, confidence, True, most, tuple(labels))


def detector(program: MLModel, task: Detect, labels: Sequence[str]) -> MLModel:
    """Return the model of a detector.

    Args:
        program: a model with the outputs of `photo_outputs.detected`.
        task: its thresholds and its largest number of boxes are those of the model.
        labels: class names without the background; empty without any.

    Raises:
        InputError: two labels are equal.
    """
    described = {feature.name: feature for feature in program.get_spec().description.output}
    if not labels:
        classes = described[RAW_CONFIDENCE].type.multiArrayType.shape[-1]
        labels = [f"class {index}" for index in range(1, classes + 1)]
    return pipeline(
        program,
        suppression_of(
            unique_labels(labels),
            iou=task.iou_threshold,
            confidence=task.score_threshold,
            most=task.max_detections,
        ),
    )


def pipeline(program: MLModel, suppression: Suppression) -> MLModel:
    """Return a model that runs a program, and removes boxes of the same object.

    Args:
        program: a model with the outputs that `suppression` reads, which are float32 arrays.
        suppression: the last step; its labels are those of the boxes.
    """
    first = program.get_spec()
    whole = Model_pb2.Model(specificationVersion=first.specificationVersion)
    described = whole.description
    described.input.extend(first.description.input)
    described.input.extend(_thresholds(suppression))
    last = _last_model(first, suppression)
    described.output.extend(last.description.output)
    whole.pipeline.models.extend([first, last])
    whole.pipeline.names.extend(["network", "suppression"])
    return MLModel(whole, weights_dir=program.weights_dir, skip_model_load=True)


def _last_model(first: Any, suppression: Suppression) -> Any:
    model = Model_pb2.Model(specificationVersion=first.specificationVersion)
    outputs = {feature.name: feature for feature in first.description.output}
    read = (suppression.confidence, suppression.coordinates)
    model.description.input.extend([outputs[name] for name in read])
    model.description.input.extend(_thresholds(suppression))
    for name, width in ((CONFIDENCE, len(suppression.labels)), (COORDINATES, BOX)):
        model.description.output.append(_boxes(name, width, suppression.most))
    given = model.nonMaximumSuppression
    given.confidenceInputFeatureName, given.coordinatesInputFeatureName = read
    given.iouThresholdInputFeatureName = IOU_THRESHOLD
    given.confidenceThresholdInputFeatureName = CONFIDENCE_THRESHOLD
    given.confidenceOutputFeatureName = CONFIDENCE
    given.coordinatesOutputFeatureName = COORDINATES
    given.iouThreshold = suppression.iou_threshold
    given.confidenceThreshold = suppression.confidence_threshold
    given.pickTop.perClass = suppression.per_class
    given.stringClassLabels.vector.extend(suppression.labels)
    return model


def _thresholds(suppression: Suppression) -> list[Any]:
    """Return the descriptions of the two inputs that an app may leave out."""
    found = []
    for name, default in (
        (IOU_THRESHOLD, suppression.iou_threshold),
        (CONFIDENCE_THRESHOLD, suppression.confidence_threshold),
    ):
        feature = Model_pb2.FeatureDescription(name=name)
        feature.shortDescription = TEXTS[name].format(default)
        feature.type.doubleType.MergeFromString(b"")
        feature.type.isOptional = True
        found.append(feature)
    return found


def _boxes(name: str, width: int, most: int | None) -> Any:
    """Return the description of an output [boxes, width]."""
    feature = Model_pb2.FeatureDescription(name=name, shortDescription=TEXTS[name])
    array = feature.type.multiArrayType
    array.dataType = FLOAT32
    for low, high in ((0, -1 if most is None else most), (width, width)):
        array.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    return feature
