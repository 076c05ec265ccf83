"""Check HVIT_EDGE_ISA, which names the instruction set of native programs."""

from pathlib import Path

import pytest

from hvit_edge.errors import InputError
from hvit_edge.runtime import Session
from hvit_edge.runtime.binding import cpp

NATIVE = Path(__file__).parents[1] / "cpp/tests/data/native_v1.pte"
REFUSED = r"^\[HVIT_EDGE_ISA\] expected an instruction set of this CPU \(.*\), got avx9; change or"


def test_each_set_of_this_machine_can_be_named(monkeypatch):
    monkeypatch.delenv("HVIT_EDGE_ISA", raising=False)
    fastest = cpp.instruction_set()
    monkeypatch.setenv("HVIT_EDGE_ISA", fastest)
    assert cpp.instruction_set() == fastest


def test_another_name_is_refused(monkeypatch):
    monkeypatch.setenv("HVIT_EDGE_ISA", "avx9")
    with pytest.raises(InputError, match=REFUSED):
        cpp.instruction_set()


def test_no_program_is_loaded_then(monkeypatch):
    monkeypatch.setenv("HVIT_EDGE_ISA", "avx9")
    with pytest.raises(InputError, match=REFUSED):
        Session(NATIVE)
