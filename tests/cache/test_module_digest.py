"""Equal digests mean equal graphs, and a module whose code is not certain has none."""

import copy
import functools
import sys
import types
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from hvit_edge.cache.module_digest import _sources, module_digest
from hvit_edge.models.swin import Windows
from hvit_edge.weights import create_model


def small(**options) -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, **options), nn.BatchNorm2d(4), nn.GELU(), nn.Flatten()]
    return nn.Sequential(*layers).eval()


def test_the_same_module_has_the_same_digest():
    digest = module_digest(small())
    assert digest is not None and len(digest) == 64
    assert module_digest(small()) == digest
    assert module_digest(copy.deepcopy(small())) == digest


def change_weight(module):
    module[0].weight.data[0, 0, 0, 0] += 2**-20


def change_buffer(module):
    module[1].running_mean[0] += 1


def change_option(module):
    module[1].eps = 2e-5


def change_activation(module):
    module[2].approximate = "tanh"


def change_class(module):
    module[2] = nn.SiLU()


def change_order(module):
    module._modules = dict(reversed(module._modules.items()))


def change_mode(module):
    module[1].training = True


def change_sharing(module):
    module[1].bias = module[1].weight


def change_gradient(module):
    module[0].weight.requires_grad_(False)


CHANGES = [
    change_weight,
    change_buffer,
    change_option,
    change_activation,
    change_class,
    change_order,
    change_mode,
    change_sharing,
    change_gradient,
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_the_digest(change):
    module = small()
    module[1].weight.data.copy_(module[1].bias)
    before = module_digest(module)
    change(module)
    after = module_digest(module)
    assert before is not None and after is not None and after != before


def test_options_of_the_constructor_are_in_it():
    digests = {module_digest(small(**o)) for o in ({}, {"stride": 2}, {"padding": 1})}
    assert len(digests) == 3 and None not in digests


def test_the_fields_of_a_dataclass_are_in_it():
    """Blocks of Swin Transformers differ only in such an object."""
    windows = Windows((14, 14), (7, 7), (0, 0))
    digests = []
    for one in (windows, replace(windows), replace(windows, shift=(3, 3)), None):
        module = small()
        module[0].windows = one
        digests.append(module_digest(module))
    assert None not in digests
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


class Own(nn.Module):
    """Code of the user, which may read anything."""

    def forward(self, x):
        return x + 1


class OwnConv(nn.Conv2d):
    """Code of the user on top of PyTorch's."""

    def forward(self, x):
        return 2 * super().forward(x)


class Thing:
    """An object of the user."""


@dataclass(frozen=True)
class Fields:
    """A dataclass of the user."""

    number: int


def with_own_forward(module):
    module.forward = lambda x: x


def with_hook(module):
    module[0].register_forward_hook(lambda module, inputs, output: 2 * output)


def with_parametrization(module):
    parametrizations.weight_norm(module[0])


def with_attribute(module):
    module[0].note = Thing()


def with_own_dataclass(module):
    module[0].note = Fields(1)


def with_attribute_of_a_dataclass(module):
    module[0].windows = Windows((14, 14), (7, 7), (0, 0))
    object.__setattr__(module[0].windows, "note", 1)


def with_function(module):
    module[0].apply_to = functools.partial(with_hook)


def with_hidden_module(module):
    module[0].others = [nn.Linear(2, 2)]


def with_own_class(module):
    module.append(Own())


def with_own_subclass(module):
    module.append(OwnConv(4, 4, 1))


UNCERTAIN = [
    with_own_forward,
    with_hook,
    with_parametrization,
    with_attribute,
    with_own_dataclass,
    with_attribute_of_a_dataclass,
    with_function,
    with_hidden_module,
    with_own_class,
    with_own_subclass,
]


@pytest.mark.parametrize("change", UNCERTAIN)
def test_a_module_whose_code_is_not_certain_has_none(change):
    module = small()
    change(module)
    assert module_digest(module) is None


def test_a_method_that_someone_replaced_is_seen(monkeypatch):
    monkeypatch.setattr(nn.GELU, "forward", lambda self, x: x)
    assert module_digest(small()) is None


@pytest.mark.parametrize(
    "name", ["mobilevit_xxs", "conformer_ti", "swin_t", "shunted_t", "conformer1d_s"]
)
def test_registered_models_have_one(name):
    models = [create_model(name, weights="random") for _ in range(2)]
    first, second = map(module_digest, models)
    assert first is not None and first == second


def test_weights_and_classes_are_in_it():
    options = [
        {"weights": "random"},
        {"weights": "cifar10"},
        {"weights": "random", "num_classes": 10},
    ]
    digests = {module_digest(create_model("mobilevit_xxs", **one)) for one in options}
    assert len(digests) == 3 and None not in digests


def test_the_sources_of_timm_are_in_it(monkeypatch, tmp_path):
    """It may be a checkout, whose version does not change with its code."""
    (tmp_path / "timm").mkdir()
    source = tmp_path / "timm" / "__init__.py"
    digests = []
    for code in ("x + 1", "x + 2", "x + 1"):
        source.write_text(
            "from torch import nn\n\n\nclass Added(nn.Module):\n    def forward(self, x):\n"
            f"        return {code}\n"
        )
        made = types.ModuleType("timm")
        made.__file__ = str(source)
        monkeypatch.setitem(sys.modules, "timm", made)
        exec(compile(source.read_text(), str(source), "exec"), vars(made))
        _sources.cache_clear()
        digests.append(module_digest(made.Added().eval()))
    _sources.cache_clear()
    assert digests[0] is not None
    assert digests[0] == digests[2] != digests[1]
