"""A user's module on the golden photo gives logits, or an error that says what to change."""

import copy
import dataclasses
import linecache
import random
import re
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hvit_edge.errors import InputError
from hvit_edge.user_modules.eager_answer import run_own

EXAMPLE = np.random.default_rng(0).random((1, 3, 8, 8), dtype=np.float32)
HERE = Path(__file__)


class Net(nn.Module):
    """Maps float32 [1, channels, 8, 8] to [1, 5] with `forwards(self, logits function, x)`."""

    def __init__(self, forwards=None, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = nn.Conv2d(channels, 8, 4, 4), nn.Linear(8, 5)
        self.forwards = forwards

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(x).relu().mean((2, 3)))

    def forward(self, x: torch.Tensor) -> object:
        return self.forwards(self, x) if self.forwards else self.logits(x)


def net(forwards=None, **attributes) -> nn.Module:
    module = Net(forwards).eval()
    for name, value in attributes.items():
        if isinstance(value, torch.Tensor):
            module.register_buffer(name, value)
        else:
            setattr(module, name, value)
    return module


def expected_of(module: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return module(torch.tensor(EXAMPLE)).numpy()


def refusal(module: nn.Module) -> str:
    with pytest.raises(InputError) as caught:
        run_own(module, EXAMPLE, "compile")
    return str(caught.value)


def written_at(message: str) -> str:
    """Return the line of this file to which a message points."""
    (number,) = re.findall(rf"{re.escape(str(HERE))}:(\d+)", message)
    return linecache.getline(str(HERE), int(number))


def test_the_answer_is_the_modules_own():
    module, answer = run_own(net(), EXAMPLE, "compile")
    np.testing.assert_array_equal(answer, expected_of(net()))
    np.testing.assert_array_equal(expected_of(module), answer)


class Inner(nn.Module):
    """Drops in eval mode too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, 0.3)


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(nn.Identity(), nn.Sequential(Inner()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(x).mean((2, 3))


def attend(self, x):
    tokens = self.conv(x).flatten(2).transpose(1, 2)
    return self.head(F.scaled_dot_product_attention(tokens, tokens, tokens, dropout_p=0.4).mean(1))


def drop_path(self, x):
    return self.logits(x) * x.new_empty(1, 1).bernoulli_(0.5)


def drop_block(self, x):
    return self.logits(x) if random.random() < 0.5 else 0 * self.logits(x)


DRAWS = {
    "functional.dropout": lambda self, x: F.dropout(self.logits(x), 0.5),
    "functional.dropout2d": lambda self, x: self.head(F.dropout2d(self.conv(x), 0.5).mean((2, 3))),
    "functional.alpha_dropout": lambda self, x: F.alpha_dropout(self.logits(x), 0.5, training=True),
    "functional.scaled_dot_product_attention": attend,
    "functional.gumbel_softmax": lambda self, x: F.gumbel_softmax(self.logits(x)),
    "functional.rrelu": lambda self, x: F.rrelu(self.logits(x) - 9, training=True),
    "torch.rand_like": lambda self, x: self.logits(x + torch.rand_like(x)),
    "torch.randperm": lambda self, x: self.logits(x)[:, torch.randperm(5)],
    "torch.multinomial": lambda self, x: self.logits(x) + torch.multinomial(torch.ones(5), 1),
    "torch.Tensor.normal_": lambda self, x: self.logits(x) + torch.zeros(5).normal_(),
    "torch.Tensor.bernoulli_": drop_path,
    "random.random": drop_block,
    "numpy.random": lambda self, x: self.logits(x) * float(np.random.rand()),
}


@pytest.mark.parametrize("function", DRAWS)
def test_random_calls_are_named_with_their_line(function):
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    message = refusal(net(DRAWS[function]))
    assert re.search(rf"the same twice, got a difference of .*{re.escape(function)}\b", message)
    assert function.rsplit(".", 1)[-1] in written_at(message)
    assert message.split("; ")[-1].startswith(("pass ", "draw no random numbers"))


def test_the_submodule_of_a_random_call_is_named():
    message = refusal(Outer().eval())
    assert "torch.nn.functional.dropout (aten.bernoulli_.float) in blocks.1.0 (Inner)" in message
    assert message.endswith("pass training=self.training to it: without, it drops in eval mode too")


def test_rare_draws_are_found():
    torch.manual_seed(0)
    assert "functional.dropout" in refusal(net(lambda self, x: F.dropout(self.logits(x), 0.02)))


def test_numbers_drawn_after_seeding_are_found():
    def seeded(self, x):
        torch.manual_seed(0)
        return self.logits(x) * torch.rand(5)

    assert "seeds a generator, which no program does; it draws" in refusal(net(seeded))


@pytest.mark.parametrize(
    "forwards",
    [lambda self, x: F.dropout(self.logits(x), 0.0), lambda self, x: self.logits(x)],
    ids=["no probability", "no call"],
)
def test_what_draws_nothing_passes(forwards):
    run_own(net(forwards), EXAMPLE, "compile")


def test_an_input_written_in_place_stays_as_it_is():
    def normalize(self, x):
        return self.logits(x.sub_(0.5).div_(0.2))

    example = EXAMPLE.copy()
    _, answer = run_own(net(normalize), example, "compile")
    np.testing.assert_array_equal(example, EXAMPLE)
    np.testing.assert_array_equal(answer, expected_of(net(lambda s, x: s.logits((x - 0.5) / 0.2))))


def count(self, x):
    self.seen += 1
    return self.logits(x)


def average(self, x):
    logits = self.logits(x)
    self.average.mul_(0.9).add_(logits.mean() / 10)
    return logits


def decay(self, x):
    self.head.weight.data.mul_(0.9)
    return self.logits(x)


def late_buffer(self, x):
    if not hasattr(self, "late"):
        self.register_buffer("late", torch.ones(5))
    return self.logits(x) * self.late


WRITES = {
    "seen": (count, {"seen": torch.zeros(())}),
    "average": (average, {"average": torch.zeros(())}),
    "head.weight": (decay, {}),
    "late": (late_buffer, {}),
}


@pytest.mark.parametrize("name", WRITES)
def test_modules_that_write_to_their_state_are_refused_and_left_alone(name):
    forwards, attributes = WRITES[name]
    module = net(forwards, **attributes)
    before = {
        key: (value, value.clone()) for key, value in module.state_dict(keep_vars=True).items()
    }
    assert re.search(rf"got changes of {name}; change them only if self.training", refusal(module))
    assert module.state_dict().keys() == before.keys()
    for key, value in module.state_dict(keep_vars=True).items():
        assert value is before[key][0] and torch.equal(value, before[key][1])


def table(self, x):
    if self.kept is None:
        self.kept = torch.arange(5.0)
    return self.logits(x) + self.kept


def mask(self, x):
    if not hasattr(self, "mask"):
        self.register_buffer("mask", torch.arange(5.0), persistent=False)
    return self.logits(x) + self.mask


def places(self, x):
    """ConViT's cache: a buffer of another size until the first run."""
    if len(self.kept_places) != 5:
        self.kept_places = torch.arange(5.0)
    return self.logits(x) + self.kept_places


def attention_map(self, x):
    self.kept = self.conv(x)
    return self.head(self.kept.relu().mean((2, 3)))


def features(self, x):
    self.kept.append(x.mean())
    return self.logits(x)


@pytest.mark.parametrize(
    ("forwards", "kept"), [(table, None), (mask, 0), (attention_map, None), (features, [])]
)
def test_modules_may_keep_what_changes_no_answer(forwards, kept):
    module = net(forwards, kept=kept)
    _, answer = run_own(module, EXAMPLE, "compile")
    assert module.kept == kept and not hasattr(module, "mask")
    np.testing.assert_array_equal(answer, expected_of(net(forwards, kept=kept)))


def test_a_cache_may_be_a_buffer_that_is_not_in_the_state_dict():
    module = net(places)
    module.register_buffer("kept_places", torch.zeros(1), persistent=False)
    exact = expected_of(own := copy.deepcopy(module))
    copied, answer = run_own(module, EXAMPLE, "compile")
    np.testing.assert_array_equal(answer, exact)
    assert torch.equal(copied.kept_places, own.kept_places) and len(module.kept_places) == 1


def test_a_buffer_that_is_not_in_the_state_dict_may_not_change_the_answer():
    module = net(count_without_state)
    module.register_buffer("kept", torch.ones(()), persistent=False)
    assert "it keeps something from run to run: kept;" in refusal(module)


def count_without_state(self, x):
    self.kept = self.kept + 1
    return self.logits(x) * self.kept


def first_photo(self, x):
    if self.kept is None:
        self.kept = x.mean()
    return self.logits(x) * self.kept


def first_draw(self, x):
    if self.kept is None:
        self.kept = torch.rand(5)
    return self.logits(x) * self.kept


def grow(self, x):
    self.kept = (self.kept or 0) + 1
    return self.logits(x) * self.kept


def test_answers_that_depend_on_earlier_photos_are_refused():
    assert "keeps what it drew or computed in its first run, in kept;" in refusal(
        net(first_photo, kept=None)
    )
    assert "in its first run, in kept;" in refusal(net(first_draw, kept=None))
    assert "it keeps something from run to run: kept;" in refusal(net(grow, kept=None))


@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    hidden: object = None


Pair = namedtuple("Pair", "logits size")
RETURNS = {
    "tuple of [1, 5], [1, 3, 8, 8]": lambda self, x: (self.logits(x), x),
    "dict of logits: [1, 5], hidden: NoneType": lambda s, x: {
        "logits": s.logits(x),
        "hidden": None,
    },
    "Output of logits: [1, 5], hidden: NoneType": lambda self, x: Output(self.logits(x)),
    "Pair of [1, 5], int": lambda self, x: Pair(self.logits(x), 5),
    "NoneType": lambda self, x: None,
    "str": lambda self, x: "cat",
    "ndarray": lambda self, x: self.logits(x).numpy(),
    "[5]": lambda self, x: self.logits(x)[0],
    "[1, 5, 1, 1]": lambda self, x: self.logits(x)[..., None, None],
    "no classes": lambda self, x: self.logits(x)[:, :0],
    "torch.int64": lambda self, x: self.logits(x).argmax(1, keepdim=True),
    "torch.float16": lambda self, x: self.logits(x).half(),
    "torch.float64": lambda self, x: self.logits(x).double(),
    "torch.complex64": lambda self, x: self.logits(x) * 1j,
    "a tensor on cpu in torch.sparse_coo": lambda self, x: self.logits(x).to_sparse(),
}


@pytest.mark.parametrize("got", RETURNS)
def test_what_is_no_logits_is_described(got):
    message = refusal(net(RETURNS[got]))
    assert message == (
        f"[compile] expected a module that returns float32 logits [1, classes], got {got};"
        " wrap it in a module that does"
    )


@pytest.mark.parametrize(
    ("returned", "remedy"),
    [
        (lambda self, x: x, "compile it with task='segment' if it has a map for each class"),
        (lambda self, x: {"out": x}, "compile it with task='segment'"),
        (lambda self, x: (x[0], x[0]), r"task=Detect(anchors=...) if it detects objects"),
    ],
)
def test_outputs_of_another_task_name_it(returned, remedy):
    assert remedy in refusal(net(returned))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_are_refused(number):
    assert "expected finite logits" in refusal(net(lambda self, x: self.logits(x) + number))


def fail(self, x):
    raise KeyError("no such class")


def test_an_exception_of_the_users_points_to_their_line():
    message = refusal(net(fail))
    assert message.startswith(
        "[compile] expected a module that answers float32 [1, 3, 8, 8], got KeyError: 'no such"
    )
    assert "raise KeyError" in written_at(message)


def parse(self, x):
    return int("five")


def test_an_exception_inside_a_library_points_to_the_users_line():
    assert 'int("five")' in written_at(refusal(net(parse)))
    wrong_size = nn.Sequential(nn.Flatten(), nn.Linear(7, 5)).eval()
    message = refusal(wrong_size)
    assert "cannot be multiplied (1x192 and 7x5) (in 1 (Linear)); check its forward" in message
    assert "that (8, 8) is its input_size" in message


@pytest.mark.parametrize(
    ("channels", "remedy"), [(1, "x.mean(1, keepdim=True)"), (4, "an x that has them")]
)
def test_other_channels_than_three(channels, remedy):
    message = refusal(nn.Sequential(Net(channels=channels)).eval())
    assert f"the first convolution has {channels}: wrap the module" in message
    assert "in 0.conv (Conv2d), " in message and message.endswith(remedy)


def test_other_arguments_and_dtypes():
    class Two(Net):
        def forward(self, x, mask):
            return self.logits(x)

    assert refusal(Two().eval()).endswith("in one whose forward takes only the image")
    doubles = net(lambda self, x: self.logits(x - self.mean), mean=torch.zeros(1).double())
    doubles.mean = torch.zeros(3, 1, 1, dtype=torch.float64)
    assert refusal(doubles).endswith("it has buffers of torch.float64: call .float() first")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_is_no_fault_of_the_module_passes(error):
    def stop(self, x):
        raise error

    with pytest.raises(error):
        run_own(net(stop), EXAMPLE, "compile")
