"""The features of classifiers are what their heads read."""

import pytest
import torch

from hvit_edge.models import build_model, list_models
from hvit_edge.models.pooled import PooledClassifier
from hvit_edge.weights import create_model

CLASSIFIERS = [info.name for info in list_models() if info.task == "classify"]
SMALL = ["mobilevit_xxs", "shunted_t", "swin_t"]
SIZES = {"mobilevit_xxs": 320, "mobilevit_xs": 384, "mobilevit_s": 640, "swin_t": 768}
SIZES |= {"shunted_t": 512, "shunted_s": 512, "shunted_b": 512}
SIZES |= {"conformer_ti": 256 + 384, "conformer_s": 1024 + 384, "conformer_b": 1536 + 576}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_has_a_vector_of_features(name):
    with torch.device("meta"):
        model = build_model(name, num_classes=3, input_size=64).eval()
        features = model.features(torch.rand(2, 3, 64, 64))
    assert isinstance(model, PooledClassifier)
    assert features.shape == (2, SIZES[name])


@pytest.mark.parametrize("name", SMALL)
def test_the_head_of_the_features_gives_the_logits(name):
    model = create_model(name, weights="random", num_classes=7, input_size=64)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model.head(model.features(x)), model(x))


def test_the_features_of_conformer_are_those_of_both_branches():
    model = create_model("conformer_ti", weights="random", num_classes=7, input_size=64)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        conv, token = model.features(x).split((256, 384), dim=1)
        heads = model.forward_heads(x)
        assert torch.equal(model.conv_head(conv), heads[0])
        assert torch.equal(model.token_head(token), heads[1])
