"""Check how innermost loops are found and counted, and how llvm-mca is asked; it does not run."""

import json
import sys

import pytest

DISASSEMBLY = """
0000000000000000 <void (anonymous namespace)::multiply<6, 4>(hvit_edge::native::Tile const&)>:
       0:      \tldr\tq0, [x0]
       4:      \tldr\tq1, [x1]
       8:      \tfmla\tv2.4s, v0.4s, v1.s[0]
       c:      \tstr\tq2, [x2], #0x10
      10:      \tsubs\tx3, x3, #0x1           // =1
      14:      \tb.ne\t0x4 <void (anonymous namespace)::multiply<6, 4>(hvit_edge::native::Tile)+0x4>
      18:      \tcbnz\tx4, 0x0 <void (anonymous namespace)::multiply<6, 4>(hvit_edge::native::Tile)>
      1c:      \tret
0000000000000020 <run_rows<Softmax, &(anonymous namespace)::soften_row(Softmax const&)>(long)>:
      20:      \tfmul\tv0.4s, v0.4s, v1.4s
      24:      \tret
      28:      \tb\t0x20 <run_rows<Softmax>(long)>
      2c:      \tbl\t0x40 <exp>
      30:      \tb.gt\t0x2c <run_rows<Softmax>(long)+0xc>
"""


@pytest.fixture
def loops(load):
    disassembly = load("loops/disassembly.py")
    code = disassembly.functions(DISASSEMBLY)
    return [loop for name, body in code for loop in disassembly.innermost(name, body)]


@pytest.fixture
def one(load):
    """Return the instruction with a text."""
    return lambda text: load("loops/disassembly.py").Instruction(0, text)


def test_only_the_innermost_loop_of_a_function_counts(loops):
    """The outer loop, rare code after a return, and a loop with a call do not count."""
    (loop,) = loops
    assert loop.function == "multiply<6, 4>"
    assert [each.address for each in loop.instructions] == [4, 8, 12, 16, 20]
    assert loop.instructions[3].text == "subs x3, x3, #0x1"


def test_names_of_functions(load):
    cycles = load("cycles.py")
    assert cycles.function_of("multiply<6, 4>") == "multiply"
    assert cycles.function_of("run_rows<Softmax, &soften_row(Softmax const&)>") == "soften_row"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("fmla v0.4s, v1.4s, v2.s[1]", 4),
        ("fmla v0.8h, v1.8h, v2.8h", 8),
        ("sdot v0.4s, v1.16b, v2.4b[3]", 16),
        ("udot v0.2s, v1.8b, v2.8b", 8),
        ("smmla v0.4s, v1.16b, v2.16b", 32),
        ("bfmmla v0.4s, v1.8h, v2.8h", 16),
        ("bfdot v0.4s, v1.8h, v2.8h", 8),
        ("smlal v0.4s, v1.4h, v2.4h", 4),
        ("fmadd s0, s1, s2, s3", 1),
        ("vfmadd231ps %ymm1, %ymm2, %ymm3", 8),
        ("vfmadd213ps (%rax){1to16}, %zmm2, %zmm3", 16),
        ("vfnmadd231ss %xmm1, %xmm2, %xmm3", 1),
        ("vpdpbusd %ymm1, %ymm2, %ymm3", 32),
        ("vpmaddubsw %ymm1, %ymm2, %ymm3", 32),
        ("vpmaddwd %zmm1, %zmm2, %zmm3", 32),
        ("vdpbf16ps %zmm1, %zmm2, %zmm3", 32),
        ("fmul v0.4s, v1.4s, v2.4s", 0),
        ("vaddps %ymm1, %ymm2, %ymm3", 0),
    ],
)
def test_multiply_adds_of_an_instruction(load, one, text, count):
    assert load("loops/multiply_adds.py").multiply_adds(one(text)) == count


def test_sums_of_pairs_count_once(load, one):
    pairs = [one("vpmaddubsw %ymm1, %ymm2, %ymm3"), one("vpmaddwd %ymm3, %ymm4, %ymm5")]
    assert load("loops/multiply_adds.py").counted(pairs) == 32
    assert load("loops/multiply_adds.py").counted(pairs[1:]) == 16


@pytest.fixture
def asked(load, monkeypatch, tmp_path):
    """Return llvm_mca and the file of its input; each loop takes 5 cycles, its bound is 4."""
    mca, text = load("loops/llvm_mca.py"), tmp_path / "asked"
    summary = {"TotalCycles": 1000, "Iterations": 200, "BlockRThroughput": 4.0}
    program = tmp_path / "llvm-mca"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\ntext = sys.stdin.read()\n"
        f"open({str(text)!r}, 'w').write(text)\n"
        f"regions = [{{'SummaryView': {summary}}}] * text.count('MCA-BEGIN')\n"
        "print(json.dumps({'CodeRegions': regions}))\n"
        "sys.exit('no such instruction' if 'nonsense' in text else 0)\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(mca, "PROGRAM", str(program))
    return mca, text


def test_a_loop_is_asked_about_without_names_and_with_its_own_addresses(load, asked, loops):
    mca, text = asked
    core = load("loops/cores.py").CORES[1]
    (found,) = mca.predict(core, [loops[0].instructions])
    assert (found.cycles, found.bound) == (5, 4)
    assert text.read_text() == (
        "# LLVM-MCA-BEGIN 0\nldr q1, [x1]\nfmla v2.4s, v0.4s, v1.s[0]\nstr q2, [x2]\n"
        "add x2, x2, #0x10\nsubs x3, x3, #0x1\nb.ne elsewhere\n# LLVM-MCA-END 0\n"
    )


def test_an_unknown_instruction_is_an_error(load, asked, one):
    with pytest.raises(ValueError, match=r"Cortex-A53: no such instruction"):
        asked[0].predict(load("loops/cores.py").CORES[0], [[one("nonsense")]])


def test_copies_of_an_instruction_do_not_wait(load, one):
    copies = load("loops/llvm_mca.py").independent(one("fmla v0.8h, v1.8h, v2.h[3]"))
    assert [each.text for each in copies[:2]] == [
        "fmla v0.8h, v14.8h, v15.h[3]",
        "fmla v1.8h, v14.8h, v15.h[3]",
    ]
    destinations = [each.text.split()[1].split(".")[0] for each in copies]
    assert len(set(destinations)) == 28
    assert not {"v14", "v15"} & set(destinations)


def test_loads_are_left_out_and_stores_are_not(load, one):
    texts = ["ldp q0, q1, [x0]", "vmovups (%rax), %ymm1", "vmovups %ymm1, (%rax)", "str q0, [x1]"]
    left = load("loops/llvm_mca.py").without_loads([one(text) for text in texts])
    assert [each.text for each in left] == texts[2:]


def test_the_newest_object_of_each_set_is_read(load, tmp_path):
    arm, x86 = (b"\x7fELF" + bytes(14) + machine for machine in (b"\xb7\0", b"\x3e\0"))
    files = {"a/operators_avx2.cpp.o": x86, "a/operators_dotprod.cpp.o": arm,
             "b/operators_portable.cpp.o": x86, "b/operators_x.cpp.o": arm}  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    cycles = load("cycles.py")
    found = {file.name: [core.name for core in cores] for file, cores in
             cycles.objects([tmp_path]).items()}  # fmt: skip
    assert found["operators_avx2.cpp.o"] == ["Zen 3", "Zen 4", "Alder Lake"]
    assert found["operators_dotprod.cpp.o"][0] == "Cortex-A55"
    assert len(found) == 2  # no core is modeled for the others
    with pytest.raises(SystemExit, match=r"expected operators_\*\.o in .*/b, got none; run make"):
        cycles.objects([tmp_path / "b"])


def test_the_table_says_what_a_slow_loop_waits_for(load):
    fast = {"cycles": 10.0, "bound": 9.0, "without_loads": 9.0, "peak": 8.0}
    row = {"architecture": "aarch64", "set": "dotprod", "function": "multiply", "instructions": 9,
           "multiply_adds": 64,
           "cores": {"Cortex-A55": fast, "Cortex-A76": {**fast, "bound": 7.0, "without_loads": 8.0},
                     "Cortex-A510": {**fast, "bound": 7.0, "without_loads": 10.0}}}  # fmt: skip
    other = {**row, "function": "find_range", "multiply_adds": 0, "cores": {"Cortex-A55": fast}}
    rows = [row, {**row, "instructions": 10}, other, {**other, "architecture": "x86_64"}]
    report = {"llvm": "19.1", "machine": {"date": "d"}, "rows": json.loads(json.dumps(rows))}
    text = load("tables/cycles.py").cycles_table("aarch64", report)
    cells = "6.4 of 8, 90% | 6.4 of 8, 70% | 6.4 of 8, 70%"
    slow = "loads: Cortex-A76; latency: Cortex-A510"
    assert f"| dotprod | product | {cells} | {slow} |" in text
    assert "| dotprod | range of a row | 90% |  |  |  |" in text
    assert text.count("| dotprod |") == 2
