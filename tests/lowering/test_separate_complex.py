"""Complex tensors and Fourier transforms become real operators; PyTorch's own are the reference."""

import pytest
import torch
from torch import nn

from hvit_edge.lowering.fourier import LONGEST, is_fourier_matrix
from hvit_edge.lowering.graph import is_constant
from hvit_edge.lowering.pipeline import COREML_PIPELINE, NATIVE_PIPELINE, PIPELINE
from hvit_edge.lowering.separate_complex import separate_complex
from hvit_edge.quantize.layers import find_layers

X = torch.randn(2, 3, 6, 5)
fft = torch.fft


class GlobalFilter(nn.Module):
    """The global filter layer of GFNet: a product in the frequency domain, arXiv 2107.00645."""

    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(side, side // 2 + 1, width, 2))
        self.mix = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size, options = x.shape[1:3], {"dim": (1, 2), "norm": "ortho"}
        spectrum = fft.rfft2(x, **options) * torch.view_as_complex(self.weight)
        return self.mix(fft.irfft2(spectrum, s=size, **options))


class Spectral(nn.Module):
    """The spectral convolution of a Fourier neural operator, arXiv 2010.08895: few modes only."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randn(3, 4, 2, 2, dtype=torch.complex64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spectrum = fft.rfft2(x)
        out = torch.zeros(2, 4, 6, 3, dtype=spectrum.dtype)
        out[:, :, :2, :2] = torch.einsum(
            "bixy,ioxy->boxy", spectrum[:, :, :2, :2], self.weight.to(x.dtype.to_complex())
        )
        return fft.irfft2(out, s=(6, 5))


def pair(x):
    return torch.complex(x, x.flip(-1))


TRANSFORMS = {
    "fft": lambda x: fft.fft(x).real,
    "fft of a complex tensor": lambda x: fft.fft(pair(x), dim=1).imag,
    "fft, cut": lambda x: fft.fft(x, n=4, dim=2).imag,
    "fft, padded": lambda x: fft.fft(x, n=9, dim=2).imag,
    "ifft": lambda x: fft.ifft(pair(x)).real,
    "fft2": lambda x: fft.fft2(x).real,
    "ifft2": lambda x: fft.ifft2(pair(x), norm="forward").real,
    "fftn": lambda x: fft.fftn(x, dim=(1, 3)).real,
    "fftn of the last": lambda x: fft.fftn(x, s=(4, -1)).real,
    "ifftn": lambda x: fft.ifftn(pair(x), norm="ortho").imag,
    "rfft": lambda x: fft.rfft(x, norm="forward").imag,
    "rfft, even": lambda x: fft.rfft(x, dim=2).abs(),
    "rfft2": lambda x: fft.rfft2(x, s=(5, 8)).imag,
    "rfftn": lambda x: fft.rfftn(x, dim=(1, 2, 3)).real,
    "irfft": lambda x: fft.irfft(pair(x)),
    "irfft, odd": lambda x: fft.irfft(pair(x), n=9),
    "irfft, cut": lambda x: fft.irfft(pair(x), n=4),
    "irfft, padded": lambda x: fft.irfft(pair(x), n=14, norm="ortho"),
    "irfft2": lambda x: fft.irfft2(pair(x), s=(6, 9), norm="forward"),
    "irfftn": lambda x: fft.irfftn(pair(x), dim=(3, 1)),
}
ARITHMETIC = {
    "add": lambda x: (pair(x) + 2 * x - 1j + 3).imag,
    "sub": lambda x: (x - pair(x)).imag,
    "sub from a number": lambda x: (1 - pair(x)).real + (2j - pair(x)).imag,
    "conversions": lambda x: (x.to(torch.complex128) * pair(x)).to(pair(x)).imag,
    "sub of a part of": lambda x: torch.sub(pair(x), pair(x.flip(1)), alpha=0.5).real,
    "mul": lambda x: torch.view_as_real(pair(x) * pair(x).conj() * (2 + 1j) * x * 0.5),
    "div": lambda x: (pair(x) / pair(x + 3)).imag + (pair(x) / (2 - 1j)).real + (1 / pair(x)).real,
    "div by real": lambda x: (pair(x) / (x.abs() + 1) / 2).imag + (x / pair(x)).imag,
    "abs": lambda x: pair(x).abs(),
    "angle": lambda x: pair(x).angle(),
    "exp": lambda x: torch.exp(pair(x)).imag,
    "polar": lambda x: torch.polar(x.abs(), x).real,
    "matmul": lambda x: (pair(x) @ pair(x).mT).imag,
    "einsum": lambda x: torch.einsum("bcij,bcik->bcjk", pair(x), x + 0j).imag,
    "views": lambda x: torch.cat(pair(x).transpose(1, 2).unbind(-1), 1)[:, 1:4].flatten(1).imag,
    "reductions": lambda x: (pair(x).sum(1) + pair(x).mean(1)).imag,
    "rotary": lambda x: torch.view_as_real(
        torch.view_as_complex(x.reshape(2, 3, 5, 3, 2))
        * torch.polar(x[0, 0, 0, :3].abs(), x[0, 0, 0, :3])
    ),
    "shift": lambda x: fft.ifftshift(fft.fftshift(pair(x)) * x).imag,
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name, rewritten, call):
    after = rewritten(separate_complex, call(TRANSFORMS[name]), X)
    assert not [operator for operator in after if operator.startswith("fft_")]


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(name, rewritten, call):
    after = rewritten(separate_complex, call(ARITHMETIC[name]), X)
    assert not {"complex", "real", "imag", "view_as_complex", "view_as_real"} & set(after)


def test_layers_of_the_literature(rewritten):
    rewritten(separate_complex, GlobalFilter(6, 4), torch.randn(1, 6, 6, 4))
    rewritten(separate_complex, Spectral(), X)


def test_real_input_and_output_take_half_of_the_products(rewritten, call):
    after = rewritten(separate_complex, call(lambda x: fft.irfft(fft.rfft(x), n=5)), X)
    assert after["linear"] == 4


NEAR_MISSES = {
    "too long": lambda x: fft.fft(x, n=LONGEST + 1).real,
    "no rule": lambda x: pair(x).sqrt().real,
    "a complex output": pair,
    "no complex tensor": lambda x: x * 2,
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses_stay(name, untouched, call):
    untouched(separate_complex, call(NEAR_MISSES[name]), X)


def test_quantization_leaves_the_matrices_alone(call):
    from hvit_edge.lowering import export_graph, rewrite

    x = torch.randn(1, 6, 6, 4)
    graph = export_graph(GlobalFilter(6, 4).eval(), (x,))
    rewrite(graph)
    weights = {
        node.args[1] for node in graph.graph.nodes if str(node.target) == "aten.linear.default"
    }
    assert any(is_constant(weight) and is_fourier_matrix(weight) for weight in weights)
    assert [layer.weight.target for layer in find_layers(graph)] == ["mix.weight"]


def test_every_target_starts_with_it():
    for passes in (PIPELINE, NATIVE_PIPELINE, COREML_PIPELINE):
        assert separate_complex in passes[:3]
