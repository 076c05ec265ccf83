"""Print the results of Pillow and of the Python package that the Swift tests compare with.

The JSON is stored in HvitEdgeTests/reference.json.
"""

import base64
import json
import sys

import numpy as np

from hvit_edge.artifact.container import Golden
from hvit_edge.artifact.metadata import Difference, Metadata
from hvit_edge.coreml.metadata import write_metadata
from hvit_edge.preprocess import Preprocess

# Width, height, and a rule: both filters and rules, both orders of the passes, enlarged and equal
# sides, halves that are rounded to the even neighbor.
RESIZES = [
    (60, 50, Preprocess((16, 16), resize_size=18, interpolation="bilinear")),
    (50, 60, Preprocess((16, 16), resize_size=19)),
    (31, 200, Preprocess((12, 20), resize_size=24)),
    (33, 21, Preprocess((16, 24), "stretch", interpolation="bilinear")),
    (20, 90, Preprocess((16, 18), "stretch")),
    (9, 7, Preprocess((16, 16), resize_size=17)),
    (24, 16, Preprocess((16, 16), resize_size=16, interpolation="bilinear")),
    (1, 1, Preprocess((2, 3), "stretch")),
]


def photo(width: int, height: int) -> np.ndarray:
    """Return a photo, uint8 [height, width, 3]; the Swift tests make the same one."""
    at = np.arange(3 * width * height)
    return (at * at * 7 % 1013 % 256).astype(np.uint8).reshape(height, width, 3)


def resized(width: int, height: int, rule: Preprocess) -> dict:
    pixels = rule.resize_and_crop(photo(width, height))
    return {
        "width": width,
        "height": height,
        "input": list(rule.input_size),
        "resize": rule.resize,
        "resizeSize": rule.resize_size,
        "interpolation": rule.interpolation,
        "pixels": base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode(),
    }


def package() -> dict[str, str]:
    """Return the user-defined strings of a package, as the compiler writes them."""
    rule = Preprocess(
        (16, 24), resize_size=28, interpolation="bilinear", mean=(0.5, 0.4, 0.3), std=(1, 0.5, 0.25)
    )
    metadata = Metadata(
        schema_version=1,
        model_name="tiny",
        target="coreml",
        precision="fp16",
        created="2026-11-21T10:00:00Z",
        weights_source="random",
        weights_sha256="0" * 64,
        versions={"hvit-edge": "0.1.0"},
        labels=("cat", "dog", "Käse"),
        preprocess=rule,
        parity=Difference(1e-3, 1e-4, 0.99999, True),
        golden_tolerance=0.02,
    )
    golden = Golden(photo(24, 16), np.zeros((1, 3), np.float32))
    return write_metadata(metadata, golden)


def main() -> None:
    reference = {"resizes": [resized(*case) for case in RESIZES], "package": package()}
    json.dump(reference, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
