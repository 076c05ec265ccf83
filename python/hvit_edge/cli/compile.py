"""Compile a model to one artifact: export, rewrite, lower, and check against PyTorch.

The artifact is written only if the program agrees with PyTorch on the golden photo.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hvit_edge import progress
from hvit_edge.cli.compile_report import describe_one
from hvit_edge.cli.compile_table import describe_many
from hvit_edge.cli.console import Console
from hvit_edge.cli.early_checks import check_compile
from hvit_edge.cli.next_lines import next_lines
from hvit_edge.cli.parser import (
    Matching,
    VerbParser,
    add_arg,
    add_weights_key,
    choice,
    did_you_mean,
    image_size,
    points,
    share,
    tolerance,
    whole_number,
)
from hvit_edge.cli.preprocess_options import add_preprocess, chosen_preprocess
from hvit_edge.cli.ray_options import add_ray, check_search_on, search_cluster
from hvit_edge.errors import InputError
from hvit_edge.labels import read_labels_file
from hvit_edge.precision import COMPUTE_UNITS, CPUS, IOS, TARGET_PRECISIONS
from hvit_edge.sources.address import Address, check_address
from hvit_edge.sources.arguments import read_arguments
from hvit_edge.tasks import Embed
from hvit_edge.tasks.names import EMBED, NORMALIZATIONS, PHOTO_TASKS

if TYPE_CHECKING:
    from hvit_edge.compiler.compile_many import Outcome
    from hvit_edge.compiler.report import CompileReport, PackageReport

ALL_PRECISIONS = tuple(
    dict.fromkeys(name for names in TARGET_PRECISIONS.values() for name in names)
)
DEFAULT_TARGET = "xnnpack"
CALIB_SAMPLES = 512
NOTICES = ("[cache]", "[calibration]", "[compile]", "[datasets]", "[patches]", "[weights]")
"""Beginnings of warnings that the user sees."""


def add_arguments(parser: VerbParser) -> None:
    """Declare the options of `compile`."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a name from `hvit-edge list`; FILE.py:FACTORY: the file is run, and its function or"
        " class FACTORY makes the module; timm:NAME[.TAG]; hf:OWNER/REPO or hf:FOLDER: a"
        " classifier of transformers",
    )
    add_arg(parser, "the factory, of timm.create_model, or a field of the transformers config")
    parser.add_several(
        "--target",
        tuple(TARGET_PRECISIONS),
        type=choice(*TARGET_PRECISIONS),
        metavar=f"{{{','.join(TARGET_PRECISIONS)}}}",
        help="xnnpack: a .pte for any CPU; native: a .pte for only hvit-edge's own runtime;"
        " coreml: an .mlpackage; coreml-pte: a .pte for Apple systems (default: xnnpack). Several"
        " targets or precisions make an artifact of each combination from one export",
    )
    parser.add_several(
        "--precision",
        ALL_PRECISIONS,
        type=_precision,
        metavar=f"{{{','.join(ALL_PRECISIONS)}}}",
        help="number format of weights and arithmetic; int8 and auto need --calib-data; auto"
        " chooses for each layer (xnnpack); w8, w6, w4: float16 with weights of 8, 6 or 4 bits"
        " (coreml) (default: xnnpack fp32, coreml fp16)",
    )
    parser.add_argument(
        "--weights",
        metavar="SOURCE",
        help="a bundled name, a checkpoint file, hf:OWNER/REPO, or random"
        " (default: the published checkpoint; for FILE.py, the weights that its factory sets)",
    )
    add_weights_key(parser)
    parser.add_argument(
        "--num-classes",
        type=whole_number(1),
        metavar="N",
        help="number of classes of the network (default: as in the weights)",
    )
    parser.add_several(
        "--input-size",
        Matching(r"\d+([xX]\d+)?"),
        type=image_size,
        metavar="SIDE|HxW",
        help="input size in pixels (default: as the weights expect). With several, such as 256"
        " 320x240, the artifact has a method for each, with one copy of the weights (xnnpack,"
        " native); the first one is preferred",
    )
    parser.add_several(
        "--batch",
        Matching(r"-?\d+"),
        type=whole_number(1),
        metavar="N",
        help="number of photos of an input (default: 1). With several, such as 1 4, the artifact"
        " has a method for each and for each size",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="class names: text with one name per line in class order, or JSON (a list, a mapping,"
        " a config with id2label) (default: as in the files of the weights)",
    )
    add_preprocess(parser)
    parser.add_argument(
        "--task",
        type=choice(*PHOTO_TASKS),
        metavar=f"{{{','.join(PHOTO_TASKS)}}}",
        help="what the program computes from a photo: classes, a vector for search, a class for"
        " each pixel, or boxes (default: the task of a name from `hvit-edge list`, and otherwise"
        " classify)",
    )
    parser.add_argument(
        "--normalize",
        type=choice(*NORMALIZATIONS),
        metavar=f"{{{','.join(NORMALIZATIONS)}}}",
        help="embed: runtimes divide the vector by its L2 norm, or return it as it is (default:"
        " l2)",
    )
    parser.add_argument(
        "--sample",
        metavar="NPZ",
        help="compile a model of any inputs and outputs; the file has one array per input, by"
        " argument name; there are no photos, labels or softmax (docs/tensors.md). --calib-data"
        " then takes NPZ files whose arrays have a leading sample axis",
    )
    parser.add_argument(
        "--min-delegated",
        type=share,
        metavar="SHARE",
        help="fail (exit 4) unless at least this share of the operators, 0 to 1, runs in the"
        " delegate",
    )
    parser.add_argument(
        "--calib-data",
        metavar="DIR|NPZ",
        help="photos like those that the model will classify; required for int8 and auto, optional"
        " for int8-dynamic",
    )
    parser.add_argument(
        "--calib-samples",
        type=whole_number(1),
        metavar="N",
        help=f"use at most N calibration photos; at least 32 (default: {CALIB_SAMPLES})",
    )
    parser.add_argument(
        "--cpu",
        type=choice(*CPUS),
        metavar=f"{{{','.join(CPUS)}}}",
        help="xnnpack, and native in int8 and int8-dynamic: arm optimizes the program for 64-bit"
        " Arm; it still runs on any CPU (default: any)",
    )
    _add_mixed(parser)
    _add_coreml(parser)
    parser.add_argument(
        "--rtol",
        type=tolerance,
        metavar="X",
        help="fail (exit 3) if an output differs by more than X times the largest absolute output"
        " of PyTorch, or in its top-1 (default: by precision; fp32 1e-4)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the artifact (default: MODEL-TARGET-PRECISION.pte or .mlpackage in this folder); for"
        " several ones a folder, or a pattern with {target} and {precision}",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing output")
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="compute everything again, and keep nothing for later compilations; see"
        " `hvit-edge cache`",
    )


def _add_mixed(parser: VerbParser) -> None:
    """Declare the options of `--precision auto`."""
    parser.add_argument(
        "--eval-data",
        metavar="DIR|NPZ",
        help="auto: labeled images on which plans are measured; photos for other tasks than to"
        " classify",
    )
    parser.add_argument(
        "--max-drop",
        type=points,
        metavar="POINTS",
        help="auto: allowed loss of top-1 against PyTorch on --eval-data, in points (default: 0.5),"
        " or of agreement with its masks, boxes or embeddings; exit 3 if every plan loses more",
    )
    parser.add_argument(
        "--plan",
        metavar="FILE",
        help="auto: read the precisions of layers from a plan file instead of searching",
    )
    parser.add_argument(
        "--cost-profile",
        metavar="FILE",
        help="auto: layer latencies of another device (default: measured here)",
    )
    parser.add_argument(
        "--force-inexact",
        action="store_true",
        help="auto: write the best plan even if it loses more than --max-drop",
    )
    add_ray(
        parser,
        "auto: measure layers and plans with the workers of a Ray cluster; the plan is the same",
    )


def _add_coreml(parser: VerbParser) -> None:
    """Declare the options of `--target coreml`."""
    parser.add_argument(
        "--ios",
        type=whole_number(1),
        choices=IOS,
        help="coreml: the oldest iOS to support; 18 has a built-in attention operator"
        " (default: 17)",
    )
    parser.add_argument(
        "--compute-units",
        type=choice(*COMPUTE_UNITS),
        metavar=f"{{{','.join(COMPUTE_UNITS)}}}",
        help="coreml: a hint for apps, recorded in the package (default: all)",
    )


def _precision(name: str) -> str:
    if name not in ALL_PRECISIONS:
        raise argparse.ArgumentTypeError(
            f"expected one of the precisions {', '.join(ALL_PRECISIONS)}, got {name!r};"
            f" {did_you_mean(name, ALL_PRECISIONS)}"
        )
    return name


def execute(args: argparse.Namespace, console: Console) -> int:
    """Compile and print the report."""
    if args.calib_samples is not None and args.calib_data is None:
        raise InputError(
            "[hvit-edge compile] --calib-samples: expected together with --calib-data, got it"
            " alone; add --calib-data DIR"
        )
    check_search_on(args)
    model = check_address(args.model, "compile")
    given = read_arguments(args.arg, "hvit-edge compile") if args.arg else None
    labels = list(read_labels_file(args.labels)) if args.labels else None
    targets, precisions = args.target or [DEFAULT_TARGET], args.precision or []
    many = len(targets) > 1 or len(precisions) > 1
    sizes, samples = _sizes(args, many), args.calib_samples or CALIB_SAMPLES
    check_compile(args, model, targets, precisions, samples)
    task = _task(args)
    with console.quiet():
        made = _compile_many if many else _compile_one
        preprocess = chosen_preprocess(args)
        with _notices(console), search_cluster(args) as cluster:
            found = made(
                model,
                targets,
                precisions,
                args=given,
                weights=args.weights,
                weights_key=args.weights_key,
                preprocess=preprocess,
                num_classes=args.num_classes,
                **sizes,
                labels=labels,
                output=args.output,
                force=args.force,
                ios=args.ios,
                compute_units=args.compute_units,
                cpu=args.cpu,
                min_delegated=args.min_delegated,
                calib_data=args.calib_data,
                calib_samples=samples,
                eval_data=args.eval_data,
                max_drop=args.max_drop,
                plan=args.plan,
                cost_profile=args.cost_profile,
                force_inexact=args.force_inexact,
                on=cluster,
                progress=progress.bar("calibrate"),
                rtol=args.rtol,
                on_step=console.begin,
                inputs=args.sample,
                cache=not args.no_cache,
                task=task,
            )
        reports = [one.to_dict() for one in found]
    if args.format == "json":
        console.json(reports if many else reports[0])
    elif many:
        console.print(describe_many(args.model, reports))
    else:
        console.print(describe_one(reports[0], next_lines(model, args.weights, reports[0])))
    return next((int(one["exit_code"]) for one in reports if "error" in one), 0)


def _task(args: argparse.Namespace) -> str | Embed | None:
    """Return the task as the argument of `compile`."""
    if args.normalize is None:
        return args.task
    if args.task != EMBED:
        raise InputError(
            f"[hvit-edge compile] --normalize: expected together with --task {EMBED}, got"
            f" {'no task' if args.task is None else args.task}; add --task {EMBED}, or leave it out"
        )
    return Embed(args.normalize)


def _compile_one(
    model: Address, targets: list[str], precisions: list[str], **options: object
) -> list[CompileReport | PackageReport]:
    from hvit_edge.compiler.compile_model import compile as compile_model

    precision = precisions[0] if precisions else None
    return [compile_model(model, target=targets[0], precision=precision, **options).report]


def _compile_many(
    model: Address, targets: list[str], precisions: list[str], **options: object
) -> list[Outcome]:
    from hvit_edge.compiler.compile_many import compile_many

    return compile_many(model, targets=targets, precisions=precisions, **options)


def _sizes(args: argparse.Namespace, many: bool) -> dict[str, object]:
    """Return the input sizes and batches as arguments of `compile`, or of `compile_many`."""
    sizes = args.input_size or [None]
    several = len(sizes) > 1
    if many and (several or args.batch):
        raise InputError(
            "[hvit-edge compile] --input-size, --batch: expected one input size and no batch with"
            " several targets or precisions, got others; compile each combination by itself"
        )
    if many:
        return {"input_size": sizes[0]}
    return {
        "input_size": None if several else sizes[0],
        "input_sizes": sizes if several else None,
        "batches": args.batch,
    }


@contextlib.contextmanager
def _notices(console: Console) -> Iterator[None]:
    """Print our own warnings immediately, even if those of other packages are hidden."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, *where: object, **also: object) -> None:
            if str(message).startswith(NOTICES):
                console.note(f"warning: {message}")
            else:
                others(message, *where, **also)

        warnings.showwarning = show
        warnings.filterwarnings("always", message="|".join(map(re.escape, NOTICES)))
        yield
