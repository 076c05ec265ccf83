"""Run photos through an artifact that embeds, segments or detects, for the verb `run`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hvit_edge.artifact.kinds import is_package
from hvit_edge.cli.console import Console
from hvit_edge.cli.run_arrays import describe_self_test
from hvit_edge.cli.task_answers import shown, written
from hvit_edge.errors import InputError, ParityError
from hvit_edge.images.file_names import printable
from hvit_edge.tasks.names import DETECT, EMBED

SCORE = 0.3
"""Score from which `run` shows an object. The threshold of an artifact may be far lower, because
average precision needs boxes of low scores."""


@dataclass(frozen=True)
class Ran:
    """Holds what was found in a photo: the answer of the task, or the error."""

    photo: str
    size: tuple[int, int] = (0, 0)
    answer: object = None
    error: InputError | None = None


def run_task(args: argparse.Namespace, task: str, console: Console) -> int:
    """Run the photos and the self test, print the answers, and draw them with `--draw`."""
    with console.quiet():
        from hvit_edge.devices.open_task import open_task

        _check_options(args, task)
        places = _pictures(args) if args.draw is not None else {}
        opened = open_task(
            args.artifact, threads=args.threads, device=args.device, method=args.method
        )
        self_test = opened.self_test() if args.self_test else None
        results = [_run(opened, photo, args, places) for photo in args.photos]
    if args.format == "json":
        console.json(_to_dict(args, task, opened, results, self_test))
    else:
        if is_package(args.artifact) or args.device != "local":
            console.print(f"backend: {opened.backend}")
        if self_test:
            console.print(describe_self_test(self_test, classes=False))
        for ran in results:
            if ran.error is None:
                console.print(
                    "\n".join([printable(ran.photo), *shown(task, ran.answer, _threshold(args))])
                )
                if args.draw is not None:
                    console.print(f"  drawn to {printable(places[ran.photo])}")
    failed = [ran.error for ran in results if ran.error is not None]
    for error in failed:
        console.note(f"error: {error}")
    if self_test and not self_test.passed:
        return ParityError.exit_code
    return InputError.exit_code if failed else 0


def _check_options(args: argparse.Namespace, task: str) -> None:
    """Raise InputError for options that the task does not have."""
    if args.draw is not None and task == EMBED:
        raise InputError(
            f"[hvit-edge run] --draw: expected an artifact that segments or detects, got one of"
            f" the task {task}, which has nothing to draw; leave it out"
        )
    if args.score_threshold is not None and task != DETECT:
        raise InputError(
            f"[hvit-edge run] --score-threshold: expected an artifact that detects, got one of the"
            f" task {task}; leave it out"
        )


def _pictures(args: argparse.Namespace) -> dict[str, Path]:
    """Return where the picture of each photo is written.

    Raises:
        InputError: a picture exists and may not be replaced or is one of the photos, two photos
            would have the same one, or a name or folder is wrong.
    """
    from hvit_edge.artifact.container import check_folder, check_output
    from hvit_edge.drawing import check_suffix

    if args.draw.is_dir():
        check_folder(args.draw)
        places = {photo: args.draw / f"{Path(photo).stem}.png" for photo in args.photos}
    elif len(args.photos) == 1:
        places = {args.photos[0]: args.draw}
    else:
        raise InputError(
            f"[hvit-edge run] --draw: expected an existing folder for {len(args.photos)} photos,"
            f" got {printable(args.draw)}; create a folder, or run one photo"
        )
    if len(set(places.values())) < len(args.photos):
        raise InputError(
            "[hvit-edge run] --draw: expected photos with different names, because each picture is"
            " named after its photo, got two of one name; run them one at a time"
        )
    photos = {os.path.realpath(photo) for photo in args.photos}
    for place in places.values():
        check_suffix(place)
        if os.path.realpath(place) in photos:
            raise InputError(
                f"[hvit-edge run] --draw: expected a picture beside the photos, got"
                f" {printable(place)}, which is one of them; name another file or folder"
            )
        check_output(place, force=args.force)
    return places


def _run(opened, photo: str, args: argparse.Namespace, places: dict[str, Path]) -> Ran:
    """Return the answer to a photo after it is drawn, or why it cannot be read."""
    from hvit_edge.artifact.container import write_atomically
    from hvit_edge.drawing import encode
    from hvit_edge.preprocess import load_image

    options = {}
    if opened.metadata.task == DETECT:
        options["score_threshold"] = _threshold(args)
    try:
        image = load_image(photo)
        answer = opened(image, **options)
        if photo in places:
            picture = _drawn(image, answer, opened.metadata.labels)
            write_atomically(places[photo], encode(picture, places[photo]), force=args.force)
    except InputError as error:
        return Ran(photo, error=error)
    return Ran(photo, image.shape[:2], answer)


def _threshold(args: argparse.Namespace) -> float:
    return SCORE if args.score_threshold is None else args.score_threshold


def _drawn(image: np.ndarray, answer, labels: Sequence[str]):
    """Return a picture of boxes or of a mask; `labels` are those of the artifact, or none."""
    from hvit_edge.drawing import DrawnBox, draw_boxes, draw_mask
    from hvit_edge.tasks import palette_color

    if isinstance(answer, list):
        boxes = [
            DrawnBox(
                b.x, b.y, b.width, b.height, f"{b.label} {b.score:.2f}", palette_color(b.index)
            )
            for b in answer
        ]
        return draw_boxes(image, boxes)
    return draw_mask(image, answer.classes, answer.colors, labels)


def _to_dict(
    args: argparse.Namespace, task: str, opened, results: Sequence[Ran], self_test
) -> dict:
    report = {
        "artifact": args.artifact,
        "model": opened.metadata.model_name,
        "task": task,
        "backend": opened.backend,
        "results": [
            {
                "photo": ran.photo,
                **({"error": str(ran.error)} if ran.error else written(task, ran.answer, ran.size)),
            }
            for ran in results
        ],
    }
    if task == DETECT:
        report["score_threshold"] = _threshold(args)
    if self_test:
        report["self_test"] = asdict(self_test)
    return report
