"""Compile a model for several input sizes and batches to one artifact, with one copy of weights.

build at every size -> the same road for each method -> one program -> self test of each method
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from hvit_edge.artifact.methods import name_of
from hvit_edge.compiler.gate import Gate
from hvit_edge.compiler.method_request import methods_of
from hvit_edge.compiler.pipeline import Made
from hvit_edge.compiler.report import Artifact
from hvit_edge.compiler.request import Request
from hvit_edge.compiler.source import Given, Source
from hvit_edge.compiler.subject import Subject
from hvit_edge.compiler.write_methods import MadeMethod, write_methods
from hvit_edge.errors import InputError
from hvit_edge.quantize import Calibration
from hvit_edge.targets import target_named
from hvit_edge.targets.target import Job

Work = Callable[[Request, Source, Any], tuple[Gate, Job, object]]
"""Returns the gate and the job of a source, given what the methods share."""
Make = Callable[[Request, Gate, Job, bool], Made]


class MethodSource(Source):
    """Gives the subject of one method, which was built with those of the others.

    Args:
        whole: the source of the size; its earlier results are used.
        subject: the model with a batch of golden photos.
    """

    def __init__(self, whole: Source, subject: Subject) -> None:
        self._whole = whole
        self.reuse, self.photos = whole.reuse, subject

    def photo_calibration(self, request: Request) -> Calibration:
        """Return the calibration images of a request, in batches."""
        return self._whole.photo_calibration(request).in_batches(self.photos.batch)


def method_sources(
    methods: Sequence[tuple[tuple[int, int] | None, int]],
    given: Given,
    preprocess: object,
    labels: object,
    cache: bool,
) -> list[Source]:
    """Build the model at every size, and compute its answer to the golden photo in every batch.

    Args:
        methods: size and batch of each method, see `requested_methods`.
        given, preprocess, labels, cache: see `Source`; the input size of `given` is not used.

    Raises:
        InputError: see `prepare_subject`; or the model has other weights at another size.
    """
    model, args, weights, classes, _, key = given
    built: dict[tuple[int, int] | None, Source] = {}
    for size in dict(methods):
        asked = (model, args, weights, classes, size, key)
        built[size] = Source(asked, preprocess, labels, None, cache)
        _build(built[size], size)
    first, *others = (source.photos for source in built.values())
    for other in others:
        _check_weights(first, other)
    photo = max((s.photos.golden_image for s in built.values()), key=lambda image: image.size)
    return [
        MethodSource(built[size], built[size].photos.asked(photo, batch)) for size, batch in methods
    ]


def _build(source: Source, size: tuple[int, int] | None) -> None:
    try:
        source.build()
    except InputError as error:
        if size is None or type(error) is not InputError:
            raise
        raise InputError(f"{error} (at the input size {name_of(1, size)})") from error


def compile_methods(
    request: Request, sources: Sequence[Source], work: Work, make: Make
) -> Artifact:
    """Compile each source on the road of its target, and write all of them as one artifact.

    Args:
        request: options of the compilation.
        sources: the model at each size and batch, the preferred one first.
        work, make: make the program of one subject, see `compile_model`.

    Raises:
        HvitEdgeError: see `compile`; nothing is written unless every method passes every gate.
    """
    pool = target_named(request.target).new_pool()
    asked = [(s.photos.origin.photos.input_size, s.photos.batch) for s in sources]
    made = []
    for method, source in zip(methods_of(asked), sources, strict=True):
        request.tell(f"method {method.name}")
        gate, job, _ = work(request, source, pool)
        made.append(MadeMethod(method, gate, make(request, gate, job, source.photos.registered)))
    return write_methods(request, made)


def _check_weights(first: Subject, other: Subject) -> None:
    """Check that two sizes have the same weights; random ones are copied from the first.

    Weights of other shapes, such as embeddings of positions, depend on the size.

    Raises:
        InputError: a weight differs.
    """
    if first.origin.weights_source == "random":
        with torch.no_grad():
            for mine, theirs, _ in _pairs(first.module, other.module):
                theirs.copy_(mine)
        return
    differ = [name for a, b, name in _pairs(first.module, other.module) if not torch.equal(a, b)]
    if differ:
        size = name_of(1, other.origin.photos.input_size)
        raise InputError(
            f"[compile] expected the same weights at every input size, got others at {size} in"
            f" {differ[0]} and {len(differ) - 1} more; give --weights FILE"
            " (weights=FILE), so that the model is not initialized again"
        )


def _pairs(first: nn.Module, other: nn.Module) -> Iterator[tuple[torch.Tensor, torch.Tensor, str]]:
    """Yield the tensors of two modules that have the same name and shape."""
    theirs = dict(other.state_dict(keep_vars=True))
    for name, mine in first.state_dict(keep_vars=True).items():
        if name in theirs and theirs[name].shape == mine.shape:
            yield mine, theirs[name], name
