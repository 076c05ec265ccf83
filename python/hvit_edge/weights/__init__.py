"""Find, read and load the weights of any published checkpoint."""

from hvit_edge.weights.bundled import bundled_names, bundled_photos, find_bundled, imagenet_labels
from hvit_edge.weights.create import ModelOrigin, WeightsSource, create_model, resolve_weights
from hvit_edge.weights.load import load_weights, weights_digest
from hvit_edge.weights.preprocess_choice import ARGUMENT
from hvit_edge.weights.weight_sets import UnknownWeightsKey

__all__ = [
    "ARGUMENT",
    "ModelOrigin",
    "UnknownWeightsKey",
    "WeightsSource",
    "bundled_names",
    "bundled_photos",
    "create_model",
    "find_bundled",
    "imagenet_labels",
    "load_weights",
    "resolve_weights",
    "weights_digest",
]
