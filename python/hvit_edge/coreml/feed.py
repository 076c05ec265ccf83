"""Check the arrays of a caller and convert them to the program's tensors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from hvit_edge.coreml.features import Feature
from hvit_edge.errors import InputError


def feed(features: tuple[Feature, ...], arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Return a tensor for each feature, by its name.

    Images are given as uint8 [H, W, 3] in RGB and become [1, 3, H, W] of 0 to 255 in the recorded
    order of channels. Tensors are given in the declared shape and dtype.

    Raises:
        InputError: names, shapes or dtypes are wrong; all of them are listed.
    """
    known = {feature.name: feature for feature in features}
    faults = [f"unexpected {name}" for name in arrays if name not in known]
    faults += [f"no {name}" for name in known if name not in arrays]
    for name in known.keys() & arrays.keys():
        fault = _fault(known[name], arrays[name])
        faults += [f"{name} {fault}"] if fault else []
    if faults:
        raise InputError(
            f"[Program.run] inputs: expected {', '.join(map(expectation, features))},"
            f" got {'; '.join(faults)}; see Program.inputs"
        )
    return {name: _tensor(known[name], arrays[name]) for name in known}


def expectation(feature: Feature) -> str:
    """Return what a feature expects, for messages: `x float32[1,3,256,256]`."""
    sizes = ["?" if size is None else str(size) for size in feature.shape]
    if feature.kind == "image":
        return f"{feature.name} uint8[{sizes[2]},{sizes[3]},3]"
    return f"{feature.name} {feature.dtype}[{','.join(sizes)}]"


def _fault(feature: Feature, array: object) -> str | None:
    if not isinstance(array, np.ndarray):
        return f"is a {type(array).__name__}, not a numpy array"
    shape, dtype = feature.shape, feature.dtype
    if feature.kind == "image":
        shape, dtype = (*shape[2:], 3), "uint8"
    fits = len(shape) == array.ndim and all(
        wanted in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.name != dtype:
        return f"{array.dtype.name}[{','.join(map(str, array.shape))}]"
    return None


def _tensor(feature: Feature, array: np.ndarray) -> Tensor:
    if feature.kind == "image":
        pixels = array[..., ::-1] if feature.layout == "BGR" else array
        array = np.moveaxis(pixels, -1, 0)[None]
    # A copy, because the caller's array may change or be read-only.
    tensor = torch.from_numpy(np.array(array, order="C"))
    return tensor.to(getattr(torch, feature.dtype))
