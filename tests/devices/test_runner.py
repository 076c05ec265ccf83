"""The runner of this machine, called through its shell."""

import os
import re
from dataclasses import asdict

import numpy as np
import pytest

import hvit_edge
from hvit_edge.devices import DeviceClassifier, Runner
from hvit_edge.devices.bundle import find_bundle
from hvit_edge.errors import ArtifactError, DeviceError, InputError
from hvit_edge.runtime.binding import cpp
from hvit_edge.weights import bundled_photos


@pytest.fixture
def runner(tmp_path, shell):
    return Runner(shell(tmp_path / "device"))


@pytest.fixture
def classifier(runner, tiny_artifact):
    return DeviceClassifier(tiny_artifact, runner, threads=1)


def files(runner):
    folder = runner.device.folder.strip('"')
    return sorted(
        os.path.relpath(os.path.join(root, name), folder)
        for root, _, names in os.walk(folder)
        for name in names
    )


def test_facts(runner):
    facts = runner.facts()
    assert (facts.architecture, facts.system) == (os.uname().machine, "Linux")
    assert facts.version == hvit_edge.__version__
    assert facts.cores == os.cpu_count()
    assert 1 <= facts.threads <= facts.cores
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert facts.memory_bytes == total


def test_pixels(runner):
    answer = runner.check_pixels()
    assert answer["instruction_sets"] == cpp.instruction_sets()
    assert answer["frames"] > 0
    assert re.fullmatch("[0-9a-f]{8}", answer["crc32"])


def test_outputs_are_those_of_the_binding(classifier, tiny_artifact, rounding):
    here = hvit_edge.Classifier(tiny_artifact, threads=1)
    assert (classifier.classes, classifier.metadata) == (here.classes, here.metadata)
    assert classifier.backend == "C++ runtime on shell"
    photos = [str(photo) for photo in bundled_photos()]
    for found, photo in zip(classifier.logits_of(photos), photos, strict=True):
        session = hvit_edge.Session(tiny_artifact, threads=1)
        (expected,) = session(here.metadata.preprocess(hvit_edge.load_image(photo)))
        np.testing.assert_allclose(found, expected, rtol=0, atol=rounding)
        assert found.dtype == np.float32
    assert_same(classifier(photos[0], top_k=3), here(photos[0], top_k=3))
    answer, expected = (asdict(one.self_test()) for one in (classifier, here))
    assert answer == pytest.approx(expected, rel=0, abs=rounding)


def assert_same(found, expected):
    assert [(p.label, p.index) for p in found] == [(p.label, p.index) for p in expected]
    assert [p.score for p in found] == pytest.approx([p.score for p in expected], abs=1e-6)


def test_progress_is_passed_on(classifier):
    seen = []
    classifier.logits_of([bundled_photos()[0]] * 3, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)


def test_what_stays_on_the_device(classifier, runner):
    classifier.self_test()
    kept = files(runner)
    named = {re.sub("[0-9a-f]{16}", "#", name) for name in kept}
    libraries = {name for name in named if re.fullmatch(r"#/lib/libexecutorch\w*\.so", name)}
    assert named == {"#.pte", "#/hvit_edge_runner", *libraries}
    assert len(libraries) == (0 if os.environ.get("HVIT_EDGE_RUNTIME") == "small" else 4)
    classifier.logits(bundled_photos()[0])
    classifier(bundled_photos()[0])
    assert files(runner) == kept


@pytest.mark.parametrize("verb", ["bench", "profile"])
def test_progress_of_runs_is_passed_on(runner, tiny_artifact, verb):
    seen = []
    measure = getattr(runner, verb)
    measure(tiny_artifact, iterations=3, warmup=1, progress=lambda *counts: seen.append(counts))
    total = {"bench": 5, "profile": 4}[verb]  # the first run of `bench` is one more
    assert seen[-1] == (total, total)


def test_bench(runner, tiny_artifact):
    answer = runner.bench(tiny_artifact, iterations=3, warmup=1, threads=1)
    assert (answer["threads"], len(answer["seconds"])) == (1, 3)
    assert min(answer["seconds"]) > 0
    assert answer["load_seconds"] > 0
    assert answer["first_run_seconds"] > 0
    assert 2**20 < answer["peak_bytes"] < 2**30


def test_two_runs_at_once_have_files_of_their_own(runner):
    with runner._own("inputs") as first, runner._own("inputs") as second:
        assert first != second


LOADING = r"\[Session.load\] expected .* \(on shell\)"
REFUSALS = {
    "no artifact": (lambda p: p.unlink(), InputError, "expected an artifact, got .*No such file"),
    "foreign": (
        lambda p: p.write_bytes(b"x" * 1000),
        ArtifactError,
        LOADING,
    ),
    "cut": (
        lambda p: p.write_bytes(p.read_bytes()[:-100]),
        ArtifactError,
        LOADING,
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_bad_artifacts(case, runner, tiny_artifact, tmp_path):
    spoil, error, message = REFUSALS[case]
    artifact = tmp_path / "a.pte"
    artifact.write_bytes(tiny_artifact.read_bytes())
    spoil(artifact)
    with pytest.raises(error, match=message):
        runner.self_test(artifact)


def test_packages_are_refused(runner, tmp_path):
    with pytest.raises(InputError, match=r"\[device\] expected a .pte file, got the package"):
        DeviceClassifier(tmp_path / "a.mlpackage", runner)


ENDS = {
    "dies": ("kill -9 $$", "got exit status .*check the memory and disk"),
    "lacks an instruction": ("kill -4 $$", "got one without; compile with another"),
    "fails": ("echo no space left >&2; exit 1", r"got exit status 1 \(no space left\)"),
}


@pytest.mark.parametrize("case", ENDS)
def test_devices_that_fail_in_the_middle(case, runner, tiny_artifact, tmp_path, monkeypatch):
    script, message = ENDS[case]
    fake = tmp_path / os.uname().machine / "hvit_edge_runner"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("HVIT_EDGE_RUNNERS", str(tmp_path))
    with pytest.raises(DeviceError, match=rf"\[device\] shell: .*{message}"):
        runner.run(tiny_artifact, [np.zeros((1, 3, 16, 16), np.float32)])
    assert not [name for name in files(runner) if "inputs" in name or "outputs" in name]


def test_no_runner_for_an_architecture(monkeypatch, tmp_path):
    monkeypatch.setenv("HVIT_EDGE_RUNNERS", str(tmp_path))
    with pytest.raises(
        InputError, match=r"for riscv64, found none in .*riscv64; build one, or set"
    ):
        find_bundle("riscv64")
