"""Write cpp/fuzz/corpus/container: small programs for the reader of the runtime without ExecuTorch.

    python cpp/fuzz/make_container_seeds.py

Each is made from an artifact of cpp/tests/data: its plans, called by methods with the shapes of the
artifact, and a constant of each kind. The artifacts themselves are seeds too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hvit_edge.artifact.write_program import DelegateMethod, TensorForm, write_program

FUZZ = Path(__file__).parent
DATA = FUZZ.parent / "tests/data"
PLAN_MAGIC = b"HVITPN01"
PLAN_BYTES = 1024
CONSTANTS = {
    "hve_text": "a text",
    "hve_number": 1,
    "hve_real": 0.5,
    "hve_list": [1.0, 2.0],
    "hve_tensor": np.arange(6, dtype=np.float32).reshape(2, 3),
}
FORWARD = (TensorForm((1, 3, 4, 4)),), (TensorForm((1, 7)),)


def plans_of(name: str) -> list[bytes]:
    """Return the beginning of each plan of an artifact."""
    data = (DATA / name).read_bytes()
    places = [place for place in range(0, len(data), 16) if data.startswith(PLAN_MAGIC, place)]
    return [data[place : place + PLAN_BYTES] for place in places]


def method(name: str, plan: bytes, backend: str = "HvitEdgeBackend") -> DelegateMethod:
    """Return a method that calls `plan`."""
    inputs, outputs = FORWARD
    return DelegateMethod(name=name, backend=backend, payload=plan, inputs=inputs, outputs=outputs)


def main() -> None:
    """Write every seed."""
    corpus = FUZZ / "corpus/container"
    corpus.mkdir(parents=True, exist_ok=True)
    tiny = plans_of("native_v1.pte")[0]
    several = plans_of("methods_v1.pte")[:2]
    methods = [method(f"method{index}", plan) for index, plan in enumerate(several)]
    seeds = {
        "one_method": write_program([method("forward", tiny)], CONSTANTS),
        "two_methods": write_program(methods, {}, {"hvit_edge_constants": bytes(256)}),
        "other_backend": write_program([method("forward", b"bytes", "XnnpackBackend")], {}),
        "constants": write_program([], CONSTANTS),
    }
    for name, program in seeds.items():
        (corpus / name).write_bytes(program)


if __name__ == "__main__":
    main()
