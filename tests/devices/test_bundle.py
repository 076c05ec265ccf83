"""Which runner is taken for a program: the small one of the package, or one with ExecuTorch."""

import pytest
import torch

from hvit_edge.devices import Runner, bundle
from hvit_edge.devices.bundle import find_bundle, needs_full_runner
from hvit_edge.errors import InputError
from hvit_edge.lowering import NATIVE_PIPELINE, PIPELINE, export_graph, rewrite
from hvit_edge.targets.native.lower import lower as lower_to_native
from hvit_edge.targets.xnnpack.lower import lower as lower_to_xnnpack


@pytest.fixture
def places(monkeypatch, tmp_path):
    """Folders for the package's and the checkout's runners of aarch64, without any runner."""
    package, checkout = tmp_path / "package/aarch64", tmp_path / "checkout/build/arm/device"
    monkeypatch.delenv("HVIT_EDGE_RUNNERS", raising=False)
    monkeypatch.setattr(bundle, "SMALL", package.parent)
    monkeypatch.setattr(bundle, "CHECKOUT", tmp_path / "checkout")
    return package, checkout


def put_runner(folder, content="runner", libraries=()):
    (folder / "lib").mkdir(parents=True)
    (folder / "hvit_edge_runner").write_text(content)
    for name in libraries:
        (folder / "lib" / name).write_text("library")
    return folder


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Files with the same linear layer, lowered to the native backend and to XNNPACK."""
    folder, example = tmp_path_factory.mktemp("programs"), (torch.ones(1, 4),)
    for name, passes, lower in (
        ("native", NATIVE_PIPELINE, lower_to_native),
        ("xnnpack", PIPELINE, lower_to_xnnpack),
    ):
        graph = export_graph(torch.nn.Linear(4, 3).eval(), example)
        rewrite(graph, passes=passes)
        (folder / name).write_bytes(lower(graph, example).serialize())
    return folder


def test_native_programs_take_the_runner_of_the_package(places):
    package, checkout = (put_runner(folder) for folder in places)
    assert find_bundle("aarch64") == [(package / "hvit_edge_runner", "hvit_edge_runner")]
    (runner, name), *libraries = find_bundle("aarch64", full=True)
    assert (runner, name, libraries) == (checkout / "hvit_edge_runner", "hvit_edge_runner", [])


def test_a_checkout_without_a_small_runner_takes_the_full_one(places):
    _, checkout = places
    put_runner(checkout, libraries=["libexecutorch.so"])
    assert find_bundle("aarch64") == find_bundle("aarch64", full=True)
    assert find_bundle("aarch64")[1] == (checkout / "lib/libexecutorch.so", "lib/libexecutorch.so")


def test_the_folder_of_the_user_wins(places, monkeypatch, tmp_path):
    for folder in places:
        put_runner(folder)
    mine = put_runner(tmp_path / "mine/aarch64")
    monkeypatch.setenv("HVIT_EDGE_RUNNERS", str(tmp_path / "mine"))
    for full in (False, True):
        assert find_bundle("aarch64", full=full)[0][0] == mine / "hvit_edge_runner"


def test_a_program_for_xnnpack_without_the_full_runner_is_refused(places):
    package, checkout = places
    put_runner(package)
    with pytest.raises(InputError) as refused:
        find_bundle("aarch64", full=True)
    assert str(refused.value) == (
        "[device] expected hvit_edge_runner with ExecuTorch, because the program is not a native"
        f" one, for aarch64, found none in {checkout}; compile with target='native', run"
        " make arm in a checkout, or set HVIT_EDGE_RUNNERS to a folder that has"
        " aarch64/hvit_edge_runner"
    )


def test_no_runner_at_all_is_refused(places):
    package, checkout = places
    expected = f"expected hvit_edge_runner for aarch64, found none in {package}, {checkout}; run"
    with pytest.raises(InputError, match=expected):
        find_bundle("aarch64")


def test_each_program_gets_its_runner(shell, places, tmp_path, monkeypatch, programs):
    """The runners answer with their own names; both stay on the device."""
    package, checkout = places
    for folder, name in ((package, "small"), (checkout, "full")):
        script = f'#!/bin/sh\necho \'{{"passed": "{name}"}}\'\n'
        (put_runner(folder, script) / "hvit_edge_runner").chmod(0o755)
    runner = Runner(shell(tmp_path / "device"))
    monkeypatch.setattr(runner.device, "architecture", lambda: "aarch64")
    assert runner.self_test(programs / "native") == {"passed": "small"}
    assert runner.self_test(programs / "xnnpack") == {"passed": "full"}
    assert runner.self_test(programs / "native") == {"passed": "small"}
    assert len(list((tmp_path / "device").rglob("hvit_edge_runner"))) == 2


def test_which_files_need_the_full_runner(programs, tmp_path):
    foreign = tmp_path / "foreign.pte"
    foreign.write_bytes(b"no program")
    needed = [needs_full_runner(programs / name) for name in ("native", "xnnpack")]
    assert needed == [False, True]
    assert not needs_full_runner(foreign)
    assert not needs_full_runner(tmp_path / "missing.pte")
