"""Validate an artifact: every step from eager PyTorch to what runs the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import CLASSIFY, TENSOR
from hvit_edge.boundary.public import public
from hvit_edge.boundary.torch_state import settled
from hvit_edge.devices import LOCAL, Runner, open_device
from hvit_edge.errors import InputError
from hvit_edge.parity.opened import open_for_parity
from hvit_edge.parity.reference import Given
from hvit_edge.parity.report import ParityReport
from hvit_edge.parity.validate_photos import validate_photos
from hvit_edge.parity.validate_task import validate_task
from hvit_edge.parity.validate_tensors import check_options, validate_tensors
from hvit_edge.progress import Count, uncounted
from hvit_edge.sources.address import Address


@public("validate")
@settled
def validate(
    artifact: str | Path,
    *,
    data: str | Path | None = None,
    model: nn.Module | str | Address | None = None,
    weights: object = None,
    rtol: float | None = None,
    threads: int = 0,
    bisect: bool = False,
    device: str = LOCAL,
    progress: Count = uncounted,
    weights_key: str | None = None,
    args: Mapping[str, Any] | None = None,
    sample: object = None,
    method: str = "",
) -> ParityReport:
    """Compare an artifact, and every step that led to it, with eager PyTorch.

    Args:
        artifact: a `.pte` or `.mlpackage` written by `compile`.
        data: a folder of photos or an NPZ file; None for the bundled photos.
        model: the module from which it was compiled, in eval mode, or its address, such as
            "FILE.py:FACTORY"; None for the recorded address. A user's file is run only if it is
            given here.
        weights: source of the weights, see `create_model`; None for the recorded one. A file is
            searched next to the artifact and in the current folder.
        weights_key: set of weights in that source; None for the recorded one.
        args: arguments of the factory of `model`; None for the recorded ones.
        rtol: largest difference, relative to the largest absolute output of eager PyTorch, with
            the same top class. It replaces the gate of the precision, see `measures.tolerance`.
        threads: number of threads of the runtime, and of the device; 0 for its default.
        bisect: if a step breaks, find the first module whose output differs. A quantized program is
            compiled again to find the first layer that differs from the quantized graph, and the
            layer with the most noise is named. An artifact of arrays is calibrated on the samples
            then. A package has no record of its layers, so a break in
            its program is not located.
        device: device on which the program also runs, see `devices.open_device`; "local" is only
            this machine.
        progress: called after each photo on the device.
        sample: for an artifact of the task "tensor", in place of `data`: arrays, a dict of them by
            input name, the path of an NPZ file whose arrays may have a leading sample axis, or a
            folder of such files. None uses the golden sample, and more random samples if that one
            is random.
        method: of an artifact with several methods, the one to validate; empty validates each, and
            the report of the first one has those of the others. On a device, name the first one,
            which it runs.

    Returns:
        The report.

    Raises:
        ArtifactError: the artifact cannot be used.
        InputError: there are no photos, the weights are not those of the artifact, this version
            does not know the precision, or a package is given with a device.
        DeviceError: the device cannot be reached, or was lost.
    """
    path = Path(artifact)
    runner = None if device == LOCAL else Runner(open_device(device))
    if runner and is_package(path):
        raise InputError(
            f"[validate] expected a .pte file for {device}, got the package {path}: validate"
            " packages on a Mac, without --device (device=)"
        )
    opened = open_for_parity(path, threads=threads, method=method)
    methods = opened.metadata.methods
    if runner and methods and method != methods[0].name:
        raise InputError(
            f"[validate] expected --method {methods[0].name} (method={methods[0].name!r}) for"
            f" {device}, which runs the first method, got {method or 'none'}; validate the others"
            " on this machine"
        )
    given = Given(model, weights, weights_key, args)
    if opened.metadata.task == TENSOR:
        check_options(data=data)
        return validate_tensors(
            opened,
            given,
            sample=sample,
            rtol=rtol,
            bisect=bisect,
            runner=runner,
            threads=threads,
            progress=progress,
        )
    if sample is not None:
        raise InputError(
            "[validate] sample: expected none with an artifact that takes photos, got one;"
            " pass photos with --data DIR (data=...)"
        )
    judge = partial(
        validate_photos if opened.metadata.task == CLASSIFY else validate_task,
        given=given,
        data=data,
        rtol=rtol,
        bisect=bisect,
        runner=runner,
        threads=threads,
        progress=progress,
    )
    names = [other.name for other in methods[1:]] if not method else []
    others = (open_for_parity(path, threads=threads, method=name) for name in names)
    return replace(judge(opened), others=tuple(map(judge, others)))
