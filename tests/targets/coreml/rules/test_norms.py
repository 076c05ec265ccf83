import torch
from torch.nn import functional as F

IMAGE = torch.randn(2, 4, 6, 10, generator=torch.Generator().manual_seed(0)) * 3 + 1
WEIGHT, BIAS = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
MEAN, VARIANCE = torch.tensor([0.1, -0.2, 0.3, 0.4]), torch.tensor([0.5, 1.5, 2.0, 0.7])
FUNCTIONS = {
    "group norm": lambda x, w, b, m, v: F.group_norm(x, 2, w, b),
    "one group": lambda x, w, b, m, v: F.group_norm(x, 1, w, b, 0.1),
    "groups of tokens": lambda x, w, b, m, v: F.group_norm(x.flatten(2), 4, w),
    "groups of features": lambda x, w, b, m, v: F.group_norm(x.mean((2, 3)), 2, w, b),
    "instance norm": lambda x, w, b, m, v: F.instance_norm(x, weight=w, bias=b),
    "instance norm of tokens": lambda x, w, b, m, v: F.instance_norm(x.flatten(2)),
    "instance norm by constants": lambda x, w, b, m, v: F.instance_norm(
        x, m, v, w, b, use_input_stats=False
    ),
    "batch norm before all else": lambda x, w, b, m, v: F.batch_norm(x, m, v, w, b),
    "batch norm of features": lambda x, w, b, m, v: F.batch_norm(x.mean((2, 3)), m, v),
    "batch norm of tokens": lambda x, w, b, m, v: F.batch_norm(x.flatten(2), m, v, w, b),
    "RMS norm": lambda x, w, b, m, v: F.rms_norm(x.permute(0, 2, 3, 1), (4,), w),
    "RMS norm of maps": lambda x, w, b, m, v: F.rms_norm(x, (4, 6, 10), eps=1e-3),
    "layer norm over a map": lambda x, w, b, m, v: F.layer_norm(x, (4, 6, 10)),
    "layer norm of six dimensions": lambda x, w, b, m, v: F.layer_norm(
        x.reshape(2, 2, 2, 3, 2, 10), (3, 2, 10)
    ),
}


def test_norms(agree):
    agree(
        {n: lambda x, *c, f=f: f(x, *c) for n, f in FUNCTIONS.items()},
        IMAGE,
        WEIGHT,
        BIAS,
        MEAN,
        VARIANCE,
    )


def test_a_group_norm_is_one_operator_between_views(call, operators, translation):
    """No square is stored that float16 could not hold."""
    module = call(lambda x: F.group_norm(x.relu(), 2))
    count = operators(translation(module, IMAGE[:1]))
    assert count == {"relu": 1, "reshape": 2, "layer_norm": 1}
