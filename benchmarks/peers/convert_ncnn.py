"""Convert an exported program to ncnn's files with pnnx, in float32.

    convert_ncnn.py MODEL.pt2 CALIBRATION.npz "FOLDER/MODEL ncnn" PRECISION...

Each precision is "... PRECISION.param" and ".bin". A JSON file next to them has the multiply-adds
and says how they were made, or why they could not be made.
"""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import torch
from each_precision import convert_each
from work import of_matmul, of_weights

ATTENTION = "F.scaled_dot_product_attention"
KNOWN = ("nn.Conv2d", "nn.Linear", ATTENTION)
PRODUCTS = ("Conv", "Linear", "linear", "matmul", "bmm", "einsum", "attention", "Attention")


def to_fp32(exported, output):
    """Trace the program, because pnnx reads traces; its weights stay float32."""
    program = torch.export.load(exported)
    (example,), _ = program.example_inputs
    stem = Path(output).with_suffix("")
    trace = f"{stem}.trace.pt"
    torch.jit.trace(program.module(check_guards=False), example).save(trace)
    files = {
        "ncnnparam": output,
        "ncnnbin": f"{stem}.bin",
        **{f"pnnx{kind}": f"{stem}.pnnx.{kind}" for kind in ("param", "bin", "onnx")},
        **{f"{kind}py": f"{stem}.{kind}.py" for kind in ("pnnx", "ncnn")},
    }
    shape = f"inputshape={list(example.shape)}".replace(" ", "")
    program = Path(sys.executable).with_name("pnnx")
    done = subprocess.run(
        [program, trace, shape, "fp16=0", *(f"{name}={path}" for name, path in files.items())],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
    )  # fmt: skip
    left = re.findall(r"^ignore (\S+) \S+ param (.+)$", done.stdout, flags=re.MULTILINE)
    if left:
        names = ", ".join(" ".join(each) for each in left[:2])
        raise RuntimeError(f"ncnn has no operator for {len(left)} of pnnx's, such as {names}")
    return "pnnx of a trace, fp16=0"


def multiply_adds(path):
    """Return the multiply-adds of one run, from the shapes that pnnx wrote."""
    return of_lines(Path(path).with_suffix(".pnnx.param").read_text().splitlines())


def of_lines(lines):
    """Return the multiply-adds of pnnx's lines "kind name inputs outputs operands attributes".

    Raises:
        RuntimeError: the kind of a product is unknown.
    """
    total = 0
    for line in lines:
        kind, *words = line.split()
        if kind not in KNOWN:
            if any(word in kind for word in PRODUCTS):
                raise RuntimeError(f"expected products among {KNOWN}, got {kind}")
            continue
        reads, writes = int(words[1]), int(words[2])
        operands = words[3 : 3 + reads + writes]
        shapes = [_shape(line, f"#{operand}") for operand in operands]
        if kind == ATTENTION:
            query, key, value = shapes[:3]
            scores = (*query[:-1], key[-2])
            total += of_matmul(scores, query[-1]) + of_matmul(shapes[-1], value[-2])
        else:
            total += of_weights(shapes[-1], _shape(line, "@weight"))
    return total


def _shape(line, name):
    (shape,) = re.findall(rf" {re.escape(name)}=\(([\d,]+)\)", line)
    return tuple(int(length) for length in shape.split(","))


def main(exported, calibration, stem, *precisions):
    """Convert to float32 only: ncnn's int8 needs tables from its own tool for its own images."""
    convert_each({"fp32": partial(to_fp32, exported)}, precisions, stem, ".param", multiply_adds)


if __name__ == "__main__":
    main(*sys.argv[1:])
