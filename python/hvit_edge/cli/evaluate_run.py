"""Run the evaluations of the verb `eval`: of one artifact, or of two on the same images."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hvit_edge import progress
from hvit_edge.cli.console import Console
from hvit_edge.cli.parser import made_by
from hvit_edge.errors import InputError
from hvit_edge.tasks.names import CLASSIFY, DETECT, EMBED, SEGMENT

if TYPE_CHECKING:
    from hvit_edge.evaluate.compare import Comparison
    from hvit_edge.ray.cluster import Cluster

BATCH = 32
ONLY_CLASSES = ("batch", "workers", "resume", "allow_empty")
"""The options of `eval` that only an evaluation of classes has."""
WITH_RAY = ("workers",)
"""Those of them that every evaluation on Ray has."""
OF_BASELINE = ".against"
"""The suffix that the file of `--resume` gets for the other artifact."""


@dataclass(frozen=True)
class Evaluation:
    """Holds the report of an artifact, and with a baseline its report and the comparison."""

    report: Any
    baseline: Any = None
    comparison: Comparison | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report with `comparison` and `against`, if there are some, as plain values."""
        values = self.report.to_dict()
        if self.comparison is not None:
            values["comparison"] = self.comparison.to_dict()
        if self.baseline is not None:
            values["against"] = self.baseline.to_dict()
        return values


def run_evaluation(args: argparse.Namespace, task: str, console: Console) -> Evaluation:
    """Evaluate as the options say, and write the answers if they are asked for."""
    _check_task(args, task)
    module = made_by(args, "eval")
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(_cluster(args, console)) if args.on == "ray" else None
        with console.quiet():
            report = _run(args, task, args.artifact, args.resume, module, cluster)
            baseline = comparison = None
            if args.against is not None:
                state = f"{args.resume}{OF_BASELINE}" if args.resume else None
                baseline = _run(args, task, args.against, state, module, cluster)
                comparison = _compared(report, baseline)
            elif args.against_eager and task == CLASSIFY:
                comparison = _compared(report, None)
    if args.answers is not None:
        from hvit_edge.evaluate.answers import write_answers

        write_answers(args.answers, report, limit=args.limit, force=args.force)
    return Evaluation(report, baseline, comparison)


def _check_task(args: argparse.Namespace, task: str) -> None:
    """Raise InputError for options that only classifiers have."""
    shared = WITH_RAY if args.on == "ray" else ()
    only = [name for name in ONLY_CLASSES if name not in shared]
    given = [f"--{name.replace('_', '-')}" for name in only if getattr(args, name)]
    if task != CLASSIFY and given:
        raise InputError(
            f"[hvit-edge eval] {', '.join(given)}: expected an artifact that classifies, got one of"
            f" the task {task}; leave {'it' if len(given) == 1 else 'them'} out"
        )


@contextlib.contextmanager
def _cluster(args: argparse.Namespace, console: Console) -> Iterator[Cluster]:
    """Connect to the cluster of the options, and say at the end what it did."""
    with console.quiet():
        from hvit_edge.ray.cluster import LOCAL, Cluster

        address = args.ray_address or LOCAL
        cluster = Cluster(address, workers=args.workers, cores=args.threads or 1)
    with cluster:
        start = time.perf_counter()
        yield cluster
        seconds = time.perf_counter() - start
    images = cluster.done
    console.note(
        f"ray: {images} images in {seconds:.1f} s, {images / seconds:.1f} a second, on"
        f" {cluster.workers} workers of {cluster.nodes} nodes"
    )
    if cluster.losses.workers:
        console.note(f"warning: {cluster.losses}")


def _run(
    args: argparse.Namespace,
    task: str,
    artifact: str,
    resume: str | None,
    module: dict[str, Any],
    cluster: Cluster | None,
) -> Any:
    """Return the report of one artifact."""
    shared = {
        "limit": args.limit,
        "threads": args.threads,
        "progress": progress.bar("eval"),
        "device": args.device,
        "method": args.method,
        "cluster": cluster,
    }
    if task in (EMBED, SEGMENT, DETECT):
        from hvit_edge.evaluate.task_answers import eager_answers
        from hvit_edge.evaluate.tasks import evaluate_task

        eager = eager_answers(artifact, args.weights, **module) if args.against_eager else None
        own = {"split": args.split, "images": args.images, "eager": eager}
        return evaluate_task(artifact, args.data, **own, **shared)
    from hvit_edge.evaluate.accuracy import eager_reference, evaluate

    eager = None
    if args.against_eager:
        eager = eager_reference(artifact, args.weights, **module, method=args.method)
    return evaluate(
        artifact,
        args.data,
        batch=args.batch or BATCH,
        workers=args.workers or 1,
        resume=resume,
        eager=eager,
        allow_empty=True,  # the numbers are printed first; the error comes at the end
        **shared,
    )


def _compared(report: Any, baseline: Any) -> Comparison:
    from hvit_edge.evaluate.compare import compare_reports, compare_with_eager

    return compare_with_eager(report) if baseline is None else compare_reports(report, baseline)
