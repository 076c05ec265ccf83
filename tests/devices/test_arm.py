"""The same programs on aarch64, in user-mode QEMU; `make arm` builds the runner."""

from functools import cache

import numpy as np
import pytest

import hvit_edge
from hvit_edge.devices import Runner, open_device
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.errors import InputError
from hvit_edge.parity import validate
from hvit_edge.profile.bench import bench
from hvit_edge.profile.instructions import OUTSIDE, check_countable, instructions_of

A76, A53 = "qemu:cortex-a76", "qemu:cortex-a53"  # with and without float16 and dot products
PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("arm_build")]


@pytest.fixture(scope="module")
def bundled(photo_windows, tmp_path_factory):
    """`precision -> path` of the bundled classifier; each is compiled once."""

    @cache
    def compiled(precision):
        return hvit_edge.compile(
            "mobilevit_xxs",
            weights="cifar10",
            cpu="arm",
            precision=precision,
            calib_data=photo_windows if precision == "int8" else None,
            output=tmp_path_factory.mktemp("arm") / f"{precision}.pte",
        ).path

    return compiled


@pytest.mark.parametrize("precision", PRECISIONS)
def test_parity_of_the_bundled_model(precision, bundled, record_property):
    report = validate(bundled(precision), device=A76)
    assert report.passed
    device = report.device
    assert (device.facts.architecture, device.top1_agreement) == ("aarch64", 1)
    assert {"asimdhp", "asimddp"} <= set(device.facts.features)
    step = report.steps[-1]
    assert step.name == "device"
    if precision == "fp32":
        assert step.difference.max_rel <= 1e-4
    record_property(
        "measured",
        f"mobilevit_xxs {precision} on {A76}: max_rel {step.difference.max_rel:.1e} from PyTorch,"
        f" {device.against_host.max_rel:.1e} from here",
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_cpu_without_float16_and_dot_products(precision, bundled):
    runner = Runner(open_device(A53))
    assert not {"asimdhp", "asimddp"} & set(runner.facts().features)
    result = runner.self_test(bundled(precision), threads=1)
    assert result["passed"]
    assert result["top1_agree"]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_instructions_have_not_grown(precision, bundled, has_not_grown, record_property):
    counted = instructions_of(bundled(precision), A76)
    record_property(
        "measured", f"mobilevit_xxs {precision}: {counted.total / 1e6:.2f} M guest instructions"
    )
    assert has_not_grown("mobilevit_xxs", precision, counted.total)


def test_a_count_repeats(bundled):
    first, second = (instructions_of(bundled("fp32"), A76).total for _ in range(2))
    assert abs(first - second) <= 0.001 * first


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_instructions_by_kind_of_operator(precision, bundled, record_property):
    counted = instructions_of(bundled(precision), A76)
    kernels = counted.kernels
    assert sum(kernels.values()) == sum(counted.classes.values()) == counted.total
    assert counted.classes["vector"] > counted.classes["memory"] > 0
    assert counted.unknown == ()
    assert all(count > 0 for _, count in counted.operators)
    assert kernels["gemm"] + kernels["convolution"] + kernels["depthwise"] > 0.5 * counted.total
    # Few instructions are outside operators, so the operators were found correctly.
    assert 0 < kernels[OUTSIDE] < 0.15 * counted.total
    assert (kernels["quantise"] > 0) == (precision == "int8")
    # Two products in each of nine attentions; another count means another model.
    assert sum("Batch Matrix Multiply" in name for name, _ in counted.operators) == 18
    shares = {group: f"{count / counted.total:.1%}" for group, count in kernels.items() if count}
    record_property("measured", f"mobilevit_xxs {precision}: {shares}")


def test_preprocessing_gives_the_bytes_that_it_gives_here(shell, tmp_path, record_property):
    there = Runner(open_device(A53)).check_pixels()
    here = Runner(shell(tmp_path / "here")).check_pixels()
    assert there["instruction_sets"] == ["neon", "scalar"]
    assert (there["crc32"], there["frames"]) == (here["crc32"], here["frames"])
    record_property(
        "measured",
        f"{there['frames']} frames: {', '.join(there['instruction_sets'])} of {A53} and"
        f" {', '.join(here['instruction_sets'])} of this machine give the same floats",
    )


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["conformer_ti", "shunted_t", "swin_t"])
def test_one_inference_of_each_other_family(name, whole_artifact, record_property):
    path = whole_artifact(name)
    session = hvit_edge.Session(path)
    photo = hvit_edge.load_image(str(CHECKOUT / "python/hvit_edge/assets/photos/chelsea.jpg"))
    inputs = session.metadata.preprocess(photo)
    (there,) = Runner(open_device(A76)).run(path, [inputs])
    (here,) = session(inputs)
    distance = float(np.abs(there - here).max() / np.abs(here).max())
    record_property("measured", f"{name} fp32 on {A76}: max_rel {distance:.1e} from here")
    assert distance <= 1e-4
    assert there.argmax() == here.argmax()


def test_bench_in_qemu(bundled):
    report = bench(
        bundled("int8-dynamic"), iterations=2, warmup=0, device=A76, count_instructions=True
    )
    assert (report.device, report.iterations) == (A76, 2)
    assert report.instructions.total > 1e6
    found = report.to_dict()["instructions"]
    assert found["total"] == report.instructions.total
    assert sum(each["instructions"] for each in found["kernels"].values()) == found["total"]
    assert found["operators"][0]["name"].startswith("Transpose")


def test_instructions_are_counted_in_qemu_only():
    with pytest.raises(InputError, match=r"expected device='qemu:CPU' to count.*local"):
        check_countable("local")
