import pytest
import torch
from torch.nn import functional as F

from hvit_edge.errors import LoweringError

IMAGE = torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))
PLACES = torch.tensor([3, 0, 0, 2, 1, 3, 2])
GRID = torch.randint(0, 6, (1, 4, 5, 10), generator=torch.Generator().manual_seed(1))
FUNCTIONS = {
    "flip": lambda x, p, g: x.flip(1, 3) + x.flip((2,)),
    "flip of tokens": lambda x, p, g: x.flatten(2).transpose(1, 2).flip(1),
    "roll of all": lambda x, p, g: x.roll(7),
    "roll of six dimensions": lambda x, p, g: x.reshape(1, 2, 2, 3, 2, 10).roll(1, 3),
    "repeat": lambda x, p, g: x.repeat(2, 1, 1, 3),
    "repeat with new dimensions": lambda x, p, g: x[0].repeat(2, 3, 1, 1, 1),
    "expand": lambda x, p, g: x[:, :1].expand(3, 4, -1, -1),
    "expand with new dimensions": lambda x, p, g: x.mean((2, 3)).expand(2, 3, 1, 4),
    "repeat each": lambda x, p, g: x.repeat_interleave(3, 1) + x.repeat_interleave(3, 1).flip(1),
    "repeat each of all": lambda x, p, g: x.repeat_interleave(2),
    "tile": lambda x, p, g: x[0, 0].tile(2, 2),
    "select places": lambda x, p, g: x.index_select(1, p),
    "index": lambda x, p, g: x[:, p] + x[:, p.flip(0)],
    "index two dimensions": lambda x, p, g: x[:, p, p + 1],
    "index dimensions apart": lambda x, p, g: x[:, p, :, p],
    "index with a table": lambda x, p, g: x[0, 0, 0][g],
    "gather": lambda x, p, g: x.gather(2, g),
    "take along": lambda x, p, g: torch.take_along_dim(x, g, 2),
    "windows that overlap": lambda x, p, g: x.unfold(3, 4, 2).unfold(2, 3, 1),
    "pixel shuffle": lambda x, p, g: F.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x, p, g: F.pixel_unshuffle(x, 2),
    "shuffle there and back": lambda x, p, g: F.pixel_shuffle(F.pixel_unshuffle(x, 2).relu(), 2),
    "channel shuffle": lambda x, p, g: F.channel_shuffle(x, 2),
    "stack": lambda x, p, g: torch.stack((x, x.exp()), 2) + torch.stack((x, x), -1).mean(),
    "stack of six dimensions": lambda x, p, g: torch.stack(2 * [x.reshape(1, 2, 2, 6, 10)], 3),
    "cat of six dimensions": lambda x, p, g: torch.cat(2 * [x.reshape(1, 2, 2, 3, 2, 10)], 4),
    "cat with an empty tensor": lambda x, p, g: torch.cat((torch.zeros(0), x, x), 1),
    "slice of six dimensions": lambda x, p, g: x.reshape(1, 2, 2, 3, 2, 10)[:, :, :, 1:, 1, ::3],
    "turned around": lambda x, p, g: x.reshape(2, 2, 2, 3, 2, 5).permute(5, 4, 3, 2, 1, 0).exp(),
    "rot90": lambda x, p, g: torch.rot90(x, 1, (2, 3)),
    "diagonal": lambda x, p, g: x.diagonal(0, 2, 3),
    "triangle": lambda x, p, g: x.tril() + x.triu(1),
}


@pytest.mark.slow
def test_rearranging(agree):
    agree(FUNCTIONS, IMAGE, PLACES, GRID)


PADS = {
    "reflect": lambda x: F.pad(x, (2, 1, 3, 0), "reflect"),
    "replicate": lambda x: F.pad(x, (2, 1, 3, 5), "replicate"),
    "circular": lambda x: F.pad(x, (2, 1, 3, 0), "circular"),
    "a sequence": lambda x: F.pad(x.flatten(2), (2, 1), "reflect"),
    "negative": lambda x: F.pad(x, (-1, 2, 1, -3)),
    "only negative": lambda x: F.pad(x, (-1, -2)),
    "channels": lambda x: F.pad(x, (0, 0, 0, 0, 1, 2), value=3.0),
    "six dimensions": lambda x: F.pad(x.reshape(1, 2, 2, 3, 2, 10), (1, 0, 0, 0, 2, 1)),
}


def test_padding(agree):
    agree(PADS, IMAGE)


RESIZES = {
    "nearest by parts": lambda x: F.interpolate(x, size=(9, 15)),
    "nearest smaller": lambda x: F.interpolate(x, scale_factor=1 / 3),
    "nearest by a scale that is rounded": lambda x: F.interpolate(x, scale_factor=(1.1, 3.2)),
    "nearest exact": lambda x: F.interpolate(x, size=(9, 4), mode="nearest-exact"),
    "nearest of sequences": lambda x: F.interpolate(x.flatten(2), scale_factor=1.5),
    "bilinear by a scale that is rounded": lambda x: F.interpolate(
        x, scale_factor=1.25, mode="bilinear"
    ),
    "bilinear, antialiased": lambda x: F.interpolate(
        x, size=(4, 15), mode="bilinear", antialias=True
    ),
    "bicubic": lambda x: F.interpolate(x, size=(9, 7), mode="bicubic"),
    "bicubic by a scale": lambda x: F.interpolate(x, scale_factor=1.3, mode="bicubic"),
    "bicubic with corners": lambda x: F.interpolate(
        x, size=(9, 7), mode="bicubic", align_corners=True
    ),
    "bicubic, antialiased": lambda x: F.interpolate(
        x, size=(4, 15), mode="bicubic", antialias=True
    ),
    "linear": lambda x: F.interpolate(x.flatten(2), size=77, mode="linear"),
}


def test_resizing(agree):
    agree(RESIZES, IMAGE)


REFUSED = {
    "computed places of two dimensions": lambda x: x[0][x[0, 0, 0].long(), x[0, 0, 1].long()],
}


@pytest.mark.parametrize("name", REFUSED)
def test_places_that_are_no_constant_integers_are_refused(name, call, translation):
    with pytest.raises(LoweringError, match=r"aten.index.Tensor \(expected constant indices"):
        translation(call(REFUSED[name]), IMAGE)
