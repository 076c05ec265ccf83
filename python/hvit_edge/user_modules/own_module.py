"""Check a user's module, and make a copy that runs may change."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from hvit_edge.errors import InputError

MOST_NAMED = 3
_QUANTIZE = 'pass the float module, and compile it with --precision int8 (precision="int8")'
_TORCHSCRIPT = (torch.jit.ScriptModule, torch.jit.ScriptFunction)
_QUANTIZED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.nn.quantized")


def unwrapped(module: Any) -> Any:
    """Return the module in a `torch.compile` or data-parallel wrapper; return others unchanged."""
    while True:
        if isinstance(module, DataParallel | DistributedDataParallel):
            module = module.module
        elif type(module).__name__ == "OptimizedModule" and "_orig_mod" in module._modules:
            module = module._orig_mod
        else:
            return module


def plain_modules(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield each submodule with its dotted path, without wrappers."""
    module = unwrapped(module)
    yield path, module
    for name, child in module._modules.items():
        if child is not None:
            yield from plain_modules(child, f"{path}.{name}" if path else name)


def check_module(model: object, where: str) -> nn.Module:
    """Return a user's module itself without wrappers; arguments and errors as for `own_module`."""
    module = unwrapped(model)
    if not isinstance(module, nn.Module) or isinstance(module, _TORCHSCRIPT):
        raise InputError(f"[{where}] expected a torch.nn.Module, got {_not_a_module(module)}")
    faults = [*_module_faults(module), *_tensor_faults(module)]
    if faults:
        raise InputError(f"[{where}] " + "; ".join(faults))
    return module


def own_module(model: object, where: str) -> nn.Module:
    """Return an equivalent copy of a user's module; the original is never changed.

    The copy has no wrappers of `torch.compile` and of data parallelism, which change no value.

    Args:
        model: the user's module.
        where: name of the public function that was called, for messages.

    Raises:
        InputError: it is not a module in eval mode on the CPU with float32 parameters. The message
            has every reason.
    """
    module = check_module(model, where)
    try:
        with torch.inference_mode(False):  # inference tensors cannot be exported
            copied = _copied(module)
    except RecursionError as error:
        raise InputError(
            f"[{where}] expected modules that Python can copy, got ones that are nested more deeply"
            " than its stack allows; flatten nested containers, or call"
            " sys.setrecursionlimit(10000) first"
        ) from error
    for parent in list(copied.modules()):
        for name, child in parent._modules.items():
            parent._modules[name] = unwrapped(child)
    for child in copied.modules():
        if _has_no_mode(child):
            child.training = False
    return copied


def _not_a_module(model: object) -> str:
    """Describe an object that is not a module, and say what to do."""
    if isinstance(model, ExportedProgram):
        return "an ExportedProgram; pass program.module()"
    if isinstance(model, _TORCHSCRIPT):
        return (
            "TorchScript, which torch.export cannot trace; pass the nn.Module that it was made"
            " from, with its weights loaded"
        )
    if isinstance(model, type):
        return f"the class {model.__name__}; pass an instance of it in eval mode"
    if isinstance(model, dict):
        return "a dict; if it is a state dict, load it into a module with load_state_dict"
    if callable(model):
        name = getattr(model, "__name__", type(model).__name__)
        return f"the function {name}; wrap it in an nn.Module whose forward calls it"
    return f"{type(model).__name__}; pass a module, or a registered name (hvit-edge list)"


def _module_faults(module: nn.Module) -> Iterator[str]:
    """Yield a message each for submodules in training mode, quantized ones and TorchScript."""
    named = list(module.named_modules())
    training = [p for p, child in named if child.training and not _has_no_mode(child)]
    script = [p for p, child in named if isinstance(child, torch.jit.ScriptModule)]
    quantized = [p for p, child in named if type(child).__module__.startswith(_QUANTIZED)]
    classes = {path: type(child).__name__ for path, child in named}
    if training:
        yield (
            f"expected a module in eval mode, got training mode in {_listed(training, classes)};"
            " call .eval() first"
        )
    if script:
        yield (
            f"expected modules that torch.export can trace, got TorchScript in"
            f" {_listed(script, classes)}; replace it with the nn.Module that it was made from"
        )
    if quantized:
        yield (
            f"expected a float32 module, got a quantized one in {_listed(quantized, classes)};"
            f" {_QUANTIZE}"
        )


def _has_no_mode(module: nn.Module) -> bool:
    """Return True if a module is part of a traced graph, which does not read `training`."""
    if isinstance(module, GraphModule) or type(module) is nn.Module:
        return True
    return type(module).__module__.startswith(("torch.export.", "torch._export."))


def _tensor_faults(module: nn.Module) -> Iterator[str]:
    """Yield a message for each kind of parameters and buffers that cannot be compiled."""
    found: dict[tuple[str, str], list[str]] = {}
    for kind, tensors in (("p", module.named_parameters()), ("b", module.named_buffers())):
        for name, tensor in tensors:
            if fault := _tensor_fault(tensor, is_parameter=kind == "p"):
                found.setdefault(fault, []).append(name)
    for (got, remedy), names in found.items():
        yield f"expected float32 tensors on the CPU, got {got} in {_listed(names)}; {remedy}"


def _tensor_fault(tensor: torch.Tensor, *, is_parameter: bool) -> tuple[str, str] | None:
    """Return the fault of one tensor and the remedy, or None."""
    if is_lazy(tensor):
        return "uninitialized lazy tensors", "run the module once and load its weights"
    if tensor.device.type == "meta":
        return "tensors without data (device meta)", "load the weights into them"
    if tensor.device.type != "cpu":
        return f"tensors on {tensor.device}", "call .cpu() first"
    if is_traceable_wrapper_subclass(tensor) or tensor.is_quantized:
        name = "quantized" if tensor.is_quantized else type(tensor).__name__
        return f"{name} tensors", _QUANTIZE
    if tensor.layout is not torch.strided:
        return f"{tensor.layout} tensors", "make them dense with .to_dense()"
    if is_parameter and tensor.is_complex() and tensor.dtype != torch.complex64:
        return f"{tensor.dtype} parameters", "convert them to torch.complex64"
    if is_parameter and tensor.is_floating_point() and tensor.dtype != torch.float32:
        remedy = (
            'call .float() first; --precision fp16 (precision="fp16") stores and computes in half'
            " precision"
        )
        return f"{tensor.dtype} parameters", remedy
    return None


def _listed(names: list[str], classes: dict[str, str] | None = None) -> str:
    """Return the first names, and the number of others."""
    shown = [
        f"{name or 'the module itself'} ({classes[name]})" if classes else name
        for name in names[:MOST_NAMED]
    ]
    others = len(names) - len(shown)
    return ", ".join(shown) + (f" and {others} more" if others else "")


def _copied(module: nn.Module) -> nn.Module:
    """Copy a module deeply; only objects that cannot be copied, such as locks, are shared."""
    try:
        return deepcopy(module)
    except Exception:  # a user's class may raise anything
        memo: dict[int, object] = {}
        for child in module.modules():
            for value in vars(child).values():
                _keep_uncopyable(value, memo)
        return deepcopy(module, memo)


def _keep_uncopyable(value: object, memo: dict[int, object]) -> None:
    """Add to `memo` an attribute that `deepcopy` cannot copy."""
    if isinstance(value, torch.Tensor) and not value.is_leaf:  # as in the old weight norm
        memo[id(value)] = value.detach().clone()
    elif not isinstance(value, nn.Module | torch.Tensor | dict):
        try:
            deepcopy(value)
        except Exception:
            memo[id(value)] = value
