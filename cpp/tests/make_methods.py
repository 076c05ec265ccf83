"""Write methods_v1.pte of cpp/tests/data, an artifact of several input sizes and batches.

    python cpp/tests/make_methods.py

An existing file is kept: it also shows that newer runtimes read older artifacts.
"""

from __future__ import annotations

from pathlib import Path

from hvit_edge import compile

TARGET = Path(__file__).parent / "data" / "methods_v1.pte"
FACTORY = f"{Path(__file__).parent / 'make_native.py'}:make"


def main() -> None:
    """Compile the network of make_native.py for a square, both orientations and a batch."""
    if TARGET.exists():
        return
    compile(
        FACTORY,
        target="native",
        preprocess="imagenet",
        labels=[f"class {index}" for index in range(7)],
        input_sizes=[32, (24, 32), (32, 24)],
        batches=[1, 3],
        output=TARGET,
    )
    print(TARGET, TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
