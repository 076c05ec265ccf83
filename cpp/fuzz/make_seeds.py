"""Write cpp/fuzz/corpus/artifact: files with an intact seal that a loader must refuse.

    python cpp/fuzz/make_seeds.py

They are made from the smallest artifact of cpp/tests/data, and from its detector, which are also
seeds.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

FUZZ = Path(__file__).parent
DATA = FUZZ.parent / "tests/data"
PROGRAM = (DATA / "integer_output_v1.pte").read_bytes()[:-32]
DETECTOR = (DATA / "native_detect_v2.pte").read_bytes()[:-32]


def seal(program: bytes, version: int = 1) -> bytes:
    """Return `program` with the seal of docs/artifact.md."""
    checksum = zlib.crc32(program)
    return program + struct.pack("<8sIIQQ", b"HVITEDGE", version, checksum, len(program), 0)


def exchange(old: bytes, new: bytes, program: bytes = PROGRAM) -> bytes:
    """Return the artifact with `new` instead of the first `old`."""
    if old not in program or len(old) != len(new):
        raise SystemExit(
            f"[make_seeds] expected {old!r} in the artifact, got none; adapt the seeds"
        )
    return seal(program.replace(old, new, 1))


def integers(*values: int) -> bytes:
    """Return integers as a flatbuffers vector of them."""
    return struct.pack(f"<{len(values)}i", *values)


def main() -> None:
    """Write every seed."""
    parity = integers(4, 0, 1, 2, 3)  # the outputs of hve_parity
    seeds = {
        "planned_memory": exchange(struct.pack("<q", 21568), struct.pack("<q", 1 << 40)),
        "output_index": exchange(parity, integers(4, 0, 1, 2, 99)),
        "no_values": exchange(parity, integers(0, 0, 1, 2, 3)),
        "renamed_model": exchange(b"hve_std", b"forward"),
        "no_anchors": exchange(b"hve_anchors", b"hve_anchorz", DETECTOR),
        "exchanged_outputs": exchange(b"logits\noffsets", b"offsets\nlogits", DETECTOR),
        "unknown_task": exchange(b"detect\0", b"defect\0", DETECTOR),
        "program_cut": seal(PROGRAM[:4096]),
        "not_a_program": seal(bytes(range(256))),
        "newer_container": seal(PROGRAM[:64], version=2),
    }
    for name, artifact in seeds.items():
        (FUZZ / "corpus/artifact" / name).write_bytes(artifact)


if __name__ == "__main__":
    main()
