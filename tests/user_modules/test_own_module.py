"""Modules of users are accepted or refused, and never changed."""

import copy
import functools
import threading

import pytest
import torch
from torch import nn

from hvit_edge.errors import InputError
from hvit_edge.user_modules.own_module import own_module

X = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """Maps float32 [1, 3, 8, 8] to [1, 5]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x).relu().mean((2, 3)))


def changed(change) -> nn.Module:
    """Return a net in eval mode after `change(net)`."""
    net = Net().eval()
    change(net)
    return net


def quantized() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(Net().eval(), {nn.Linear}, dtype=torch.qint8)


PARAMETERS = "conv.weight, conv.bias, head.weight and 1 more"
REFUSED = {
    "function": (lambda: lambda x: x, r"got the function <lambda>; wrap it in an nn.Module"),
    "method": (lambda: Net().forward, r"got the function forward; wrap it"),
    "partial": (lambda: functools.partial(Net()), r"got the function partial; wrap it"),
    "class": (lambda: Net, r"got the class Net; pass an instance of it in eval mode"),
    "None": (lambda: None, r"got NoneType; pass a module, or a registered name"),
    "state dict": (lambda: Net().state_dict(), r"got a dict; .*load_state_dict"),
    "exported": (
        lambda: torch.export.export(Net().eval(), (X,)),
        r"got an ExportedProgram; pass program.module\(\)",
    ),
    "scripted": (lambda: torch.jit.script(Net().eval()), r"got TorchScript, .* made\s+from"),
    "traced": (lambda: torch.jit.trace(Net().eval(), X), r"got TorchScript"),
    "scripted part": (
        lambda: changed(lambda net: setattr(net, "head", torch.jit.script(net.head))),
        r"got TorchScript in head \(RecursiveScriptModule\)",
    ),
    "training": (
        Net,
        r"got training mode in the module itself \(Net\), conv \(Conv2d\), head \(Linear\); call",
    ),
    "training part": (
        lambda: changed(lambda net: net.conv.train()),
        r"got training mode in conv \(Conv2d\); call \.eval\(\)",
    ),
    "half": (lambda: Net().eval().half(), rf"got torch.float16 parameters in {PARAMETERS}; call"),
    "bfloat16": (
        lambda: Net().eval().bfloat16(),
        r"got torch.bfloat16 parameters in .*\.float\(\)",
    ),
    "double": (lambda: Net().eval().double(), r"got torch.float64 parameters in .*\.float\(\)"),
    "half part": (
        lambda: changed(lambda net: net.head.half()),
        r"got torch.float16 parameters in head.weight, head.bias; call",
    ),
    "complex": (
        lambda: changed(lambda net: setattr(net, "w", nn.Parameter(torch.ones(5).cdouble()))),
        r"got torch.complex128 parameters in w; convert them to torch.complex64",
    ),
    "meta": (
        lambda: Net().to("meta").eval(),
        rf"without data \(device meta\) in {PARAMETERS}; load",
    ),
    "lazy": (lambda: nn.LazyLinear(5).eval(), r"uninitialized lazy tensors in weight, bias; run"),
    "quantized": (quantized, r"got a quantized one in head \(Linear\).*precision=\"int8\""),
    "sparse": (
        lambda: changed(lambda net: net.register_buffer("s", torch.eye(3).to_sparse())),
        r"got torch.sparse_coo tensors in s; make them dense",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_has_a_remedy(name):
    make, message = REFUSED[name]
    with pytest.raises(InputError, match=rf"^\[compile\] expected .*{message}"):
        own_module(make(), "compile")


def test_every_fault_is_named_at_once():
    with pytest.raises(InputError, match=r"^\[validate\] .*training mode.*torch.float16 param"):
        own_module(Net().half(), "validate")


def old_weight_norm(net: nn.Module) -> None:
    torch.nn.utils.weight_norm(net.head)
    net(X)  # deepcopy cannot copy its weight


TAKEN = {
    "plain": lambda: Net().eval(),
    "compiled": lambda: torch.compile(Net().eval()),
    "compiled part": lambda: changed(lambda net: setattr(net, "conv", torch.compile(net.conv))),
    "compiled in place": lambda: changed(lambda net: net.compile()),
    "data parallel": lambda: nn.DataParallel(Net()).eval(),
    "exported": lambda: torch.export.export(Net().eval(), (X,)).module(),
    "traced graph": lambda: torch.fx.symbolic_trace(Net().eval()),
    "old weight norm": lambda: changed(old_weight_norm),
    "lock": lambda: changed(lambda net: setattr(net, "lock", threading.Lock())),
    "frozen": lambda: Net().eval().requires_grad_(False),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", TAKEN.values(), ids=TAKEN)
def test_copies_compute_the_same_and_share_no_weight(make):
    torch.manual_seed(0)
    model = make()
    copied = own_module(model, "compile")
    twin = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    assert not twin & {id(tensor) for tensor in copied.state_dict(keep_vars=True).values()}
    assert not any(child.training for child in copied.modules())
    assert not any("_orig_mod" in name for name, _ in copied.named_modules())
    with torch.no_grad():
        expected = model._orig_mod(X) if hasattr(model, "_orig_mod") else None
        if expected is None:
            torch.compiler.set_stance("force_eager")
            expected = model(X)
            torch.compiler.set_stance("default")
        assert torch.equal(copied(X), expected)


def test_tensors_of_inference_mode_become_ordinary_ones():
    with torch.inference_mode():
        model = Net().eval()
        copied = own_module(model, "compile")
    assert not any(tensor.is_inference() for tensor in copied.parameters())


def test_what_cannot_be_copied_is_shared_and_the_rest_is_not():
    model = changed(lambda net: setattr(net, "lock", threading.Lock()))
    model.steps = [1]
    copied = own_module(model, "compile")
    assert copied.lock is model.lock
    assert copied.steps == model.steps and copied.steps is not model.steps


def test_a_copy_of_a_created_model_says_where_it_came_from():
    model = changed(lambda net: setattr(net, "hvit_edge", ("origin",)))
    assert own_module(torch.compile(model), "compile").hvit_edge == copy.copy(model.hvit_edge)


def test_modules_that_are_nested_too_deeply():
    model = nn.Linear(2, 2)
    for _ in range(900):
        model = nn.Sequential(model)
    with pytest.raises(InputError, match=r"\[compile\] expected modules that Python can copy"):
        own_module(model.eval(), "compile")
