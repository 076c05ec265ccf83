"""Weights in folders and in repositories of the hub, with and without a network."""

from __future__ import annotations

import json

import pytest
import torch
from huggingface_hub import errors as hub_errors

from hvit_edge.errors import InputError
from hvit_edge.models import build_model
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights import create_model, imagenet_labels
from hvit_edge.weights.random_weights import random_state_dict

from .sample_configs import APPLE_PROCESSOR, TIMM_1000


@pytest.fixture
def fake_hub(monkeypatch, tmp_path):
    """Let hf_hub_download serve the folders under tmp_path; `asked` lists what was asked for."""
    asked = []

    def download(repository, name):
        asked.append((repository, name))
        path = tmp_path / repository / name
        if not path.is_file():
            raise hub_errors.EntryNotFoundError("404")
        return str(path)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    return asked


def test_hub_of_timm(timm_folder, tmp_path, fake_hub):
    (tmp_path / "timm").rename(tmp_path / "xxs")
    (tmp_path / "timm").mkdir()
    (tmp_path / "xxs").rename(tmp_path / "timm" / "mobilevit_xxs.cvnets_in1k")
    origin = create_model("mobilevit_xxs").hvit_edge
    assert origin.weights_source == "hf:timm/mobilevit_xxs.cvnets_in1k"
    assert origin.preprocess == Preprocess(
        (256, 256),
        resize_size=292,
        interpolation="bilinear",
        mean=(0.1, 0.2, 0.3),
        std=(1.0, 2.0, 3.0),
    )
    assert origin.labels == imagenet_labels()
    names = [name for _, name in fake_hub]
    assert "model.safetensors" in names and "pytorch_model.bin" not in names


def test_hub_of_transformers_as_a_pickle(tmp_path, fake_hub):
    folder = tmp_path / "owner" / "pets"
    folder.mkdir(parents=True)
    state = random_state_dict(build_model("mobilevit_xxs", num_classes=2))
    torch.save(state, folder / "pytorch_model.bin")
    config = {"model_type": "mobilevit", "id2label": {"0": "cat", "1": "dog"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(APPLE_PROCESSOR))
    model = create_model("mobilevit_xxs", weights="hf:owner/pets")
    assert model.hvit_edge.labels == ("cat", "dog")
    assert model.hvit_edge.preprocess.channel_order == "BGR"
    assert model.hvit_edge.preprocess.resize_size == 288
    assert model.head.out_features == 2


def test_folder(timm_folder):
    origin = create_model("mobilevit_xxs", weights=timm_folder).hvit_edge
    assert origin.preprocess.resize_size == 292
    assert origin.weights_source == "folder timm"


def test_folder_of_another_network(timm_folder):
    (timm_folder / "config.json").write_text('{"model_type": "mobilevit", "patch_size": 4}')
    with pytest.raises(InputError, match="patch_size: expected 2, got 4"):
        create_model("mobilevit_xxs", weights=timm_folder)


def test_folders_that_lack_something(timm_folder):
    (timm_folder / "config.json").write_text("[]")
    with pytest.raises(InputError, match="expected a JSON object"):
        create_model("mobilevit_xxs", weights=timm_folder)
    (timm_folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="expected JSON, got"):
        create_model("mobilevit_xxs", weights=timm_folder)
    (timm_folder / "config.json").unlink()
    (timm_folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"pytorch_model.bin, got neither but nothing in"):
        create_model("mobilevit_xxs", weights=timm_folder)
    (timm_folder / "checkpoint-20").mkdir()
    (timm_folder / "tf_model.h5").touch()
    with pytest.raises(InputError, match=r"got neither but checkpoint-20/, tf_model.h5 in"):
        create_model("mobilevit_xxs", weights=timm_folder)


def test_offline_with_a_cache_that_knows_what_is_missing(tmp_path, monkeypatch):
    # The layout of the hub's cache: a pickle, and a note that there is no safetensors file.
    commit = "0" * 40
    repository = tmp_path / "models--owner--pets"
    snapshot = repository / "snapshots" / commit
    no_exist = repository / ".no_exist" / commit
    for folder in (snapshot, no_exist, repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (no_exist / "model.safetensors").touch()
    state = random_state_dict(build_model("mobilevit_xxs"))
    torch.save(state, snapshot / "pytorch_model.bin")
    (snapshot / "config.json").write_text(json.dumps(TIMM_1000))

    def download(repository, name):
        path = snapshot / name
        if not path.is_file():
            raise hub_errors.LocalEntryNotFoundError("offline")
        return str(path)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    origin = create_model("mobilevit_xxs", weights="hf:owner/pets").hvit_edge
    assert origin.preprocess.resize_size == 292


@pytest.mark.parametrize(
    "error",
    [
        hub_errors.LocalEntryNotFoundError("not in the cache"),
        hub_errors.OfflineModeIsEnabled("offline"),
        ConnectionError("no route"),
    ],
)
def test_no_network_names_the_remedies(monkeypatch, error):
    def download(repository, name):
        raise error

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    with pytest.raises(InputError) as caught:
        create_model("mobilevit_xs")
    message = str(caught.value)
    for remedy in (
        "timm/mobilevit_xs.cvnets_in1k",
        "weights=FILE",
        "'random'",
        "HF_HOME",
        "HF_HUB_OFFLINE",
    ):
        assert remedy in message


def test_a_repository_that_does_not_exist(monkeypatch):
    class Response:
        headers = {}
        status_code = 401
        request = None

    def download(repository, name):
        raise hub_errors.RepositoryNotFoundError("401", response=Response())

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    with pytest.raises(InputError, match="public repository on the hub, got no access to 'a/b'"):
        create_model("mobilevit_xs", weights="hf:a/b")


def test_a_hub_name_that_is_none(monkeypatch):
    def download(repository, name):
        raise hub_errors.HFValidationError("Repo id must be in the form")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    with pytest.raises(InputError, match="expected hf:owner/repository, got 'a b'"):
        create_model("mobilevit_xs", weights="hf:a b")
