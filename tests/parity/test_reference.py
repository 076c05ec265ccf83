"""Find the weights of an artifact, even if their file has several sets."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
import torch

from hvit_edge.artifact.metadata import Difference, Metadata
from hvit_edge.errors import InputError
from hvit_edge.models import build_model
from hvit_edge.parity.reference import Given, reference_model
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights import create_model, weights_digest
from hvit_edge.weights.random_weights import random_state_dict


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Write a file like timm's training script, and return it with the digest of the average."""
    raw = random_state_dict(build_model("mobilevit_xxs", num_classes=3))
    average = {key: value + 1 for key, value in raw.items()}
    folder = tmp_path_factory.mktemp("reference")
    torch.save({"state_dict": raw, "state_dict_ema": average}, folder / "best.pth.tar")
    torch.save(average, folder / "average.pt")
    digest = weights_digest(
        create_model("mobilevit_xxs", weights=average, num_classes=3, input_size=64)
    )
    return folder, digest


def metadata_of(digest):
    return Metadata(
        schema_version=1,
        model_name="mobilevit_xxs",
        target="xnnpack",
        precision="fp32",
        created="2026-11-21T10:00:00Z",
        weights_source="best.pth.tar",
        weights_sha256=digest,
        versions={},
        labels=(),
        preprocess=Preprocess((64, 64), "stretch"),
        parity=Difference(0.0, 0.0, 1.0, True),
        golden_tolerance=1e-4,
        weights_key="state_dict_ema",
    )


@pytest.mark.parametrize("file", ["best.pth.tar", "average.pt"])
def test_the_key_of_the_artifact_is_taken_if_the_file_has_it(checkpoint, file):
    folder, digest = checkpoint
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = reference_model(metadata_of(digest), 3, Given(weights=folder / file))
    assert weights_digest(model) == digest


def test_another_key_is_refused(checkpoint):
    folder, digest = checkpoint
    file, metadata = folder / "best.pth.tar", metadata_of(digest)
    with pytest.raises(InputError, match="with weights=, of which it used 'state_dict_ema'"):
        reference_model(metadata, 3, Given(weights=file, weights_key="state_dict"))
    with pytest.raises(InputError, match="got 'emma'"):
        reference_model(metadata, 3, Given(weights=file, weights_key="emma"))
    older = replace(metadata, weights_key="")
    with (
        pytest.warns(UserWarning, match="used the weights under 'state_dict'"),
        pytest.raises(InputError, match="it also has 'state_dict_ema'"),
    ):
        reference_model(older, 3, Given(weights=file))
