"""Run only the self test of an artifact, for the verb `validate`. Imports no torch."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from hvit_edge.artifact.kinds import is_package
from hvit_edge.artifact.metadata import CLASSIFY, TENSOR
from hvit_edge.cli.console import Console
from hvit_edge.cli.run_arrays import describe_self_test
from hvit_edge.errors import InputError, ParityError

COMPARING = ("data", "sample", "weights", "weights_key", "model", "arg", "rtol", "bisect")
"""The options of `validate` that only a comparison with PyTorch has."""


def self_test(args: argparse.Namespace, console: Console) -> int:
    """Run the golden sample, and compare with PyTorch's stored answer.

    Raises:
        InputError: an option is given that needs PyTorch.
    """
    given = [f"--{name.replace('_', '-')}" for name in COMPARING if getattr(args, name)]
    if given:
        raise InputError(
            "[hvit-edge validate] --self-test: expected no option that needs PyTorch, got"
            f" {', '.join(given)}; leave out one or the other"
        )
    with console.quiet():
        opened, classes = _open(args)
        result = opened.self_test()
    backend = getattr(opened, "backend", "C++ runtime")
    if args.format == "json":
        model = opened.metadata.model_name
        report = {"artifact": args.artifact, "model": model, "backend": backend}
        console.json({**report, **asdict(result)})
    else:
        if is_package(args.artifact) or args.device != "local":
            console.print(f"backend: {backend}")
        console.print(describe_self_test(result, classes=classes))
    return 0 if result.passed else ParityError.exit_code


def _open(args: argparse.Namespace):
    """Return the artifact, opened to run it, and True if it classifies photos."""
    from hvit_edge.devices.open_artifact import open_classifier, task_of
    from hvit_edge.devices.open_task import open_task
    from hvit_edge.tensors.open_session import open_session

    task = task_of(args.artifact)
    options = {"threads": args.threads, "device": args.device}
    if task == TENSOR and not args.method:
        return open_session(args.artifact, **options), False
    if task in (TENSOR, CLASSIFY):
        return open_classifier(args.artifact, **options, method=args.method), task == CLASSIFY
    return open_task(args.artifact, **options, method=args.method), False
