"""Strip an ELF program for any machine, and keep the symbols that are named.

    python tools/strip_symbols.py PROGRAM NAMES

NAMES is a file with one symbol on each line, such as cpp/runner/kept_symbols.txt: QEMU's counter of
instructions looks for them. The linker of zig strips all symbols or none, and GNU's strip knows one
machine. PROGRAM is replaced.
"""

from __future__ import annotations

import argparse
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

MAGIC = b"\x7fELF"
LITTLE = b"\1"
ALLOC = 2  # the flag of sections that are loaded
NOBITS, SYMTAB, STRTAB = 8, 2, 3  # types of sections


@dataclass(frozen=True)
class Layout:
    """Holds the formats of the structures of ELF32 or ELF64, little endian."""

    header: str
    segment: str
    section: str
    symbol: str


LAYOUTS = {
    1: Layout("<16sHHIIIIIHHHHHH", "<8I", "<10I", "<IIIBBH"),
    2: Layout("<16sHHIQQQIHHHHHH", "<IIQQQQQQ", "<IIQQQQIIQQ", "<IBBHQQ"),
}


@dataclass(frozen=True)
class Section:
    """Holds the header of a section, in the order of the file."""

    name: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def strip(program: bytes, names: set[str]) -> bytes:
    """Return a program with its loaded sections and with the symbols that are named.

    Raises:
        ValueError: the content is not a little-endian ELF program, or lacks one of the symbols.
    """
    if program[:4] != MAGIC or program[4] not in LAYOUTS or program[5:6] != LITTLE:
        raise ValueError(
            "[strip_symbols] expected a little-endian ELF program, got another file; give one"
        )
    layout = LAYOUTS[program[4]]
    header = list(struct.unpack_from(layout.header, program))
    sections = _sections(program, layout, header[6], header[12])
    texts = sections[header[13]]
    kept = [each for each in sections if each.type == 0 or each.flags & ALLOC]
    places = {sections.index(each): at for at, each in enumerate(kept)}
    symbols, strings = _symbols(program, layout, sections, names, places)
    end = max(e.offset + e.size for e in kept if e.type != NOBITS)
    content = bytearray(program[: end + -end % 8])
    called = {each: _text(program, texts.offset + each.name) for each in kept}
    added = {".symtab": symbols, ".strtab": strings, ".shstrtab": b""}
    table = b"\0" + b"".join(name.encode() + b"\0" for name in (*called.values(), *added))
    added[".shstrtab"] = table
    found = [replace(e, name=_place(table, called[e]), link=places.get(e.link, 0)) for e in kept]
    entry = struct.calcsize(layout.symbol)
    for name, data in added.items():
        kind = SYMTAB if name == ".symtab" else STRTAB
        link, size = (len(kept) + 1, entry) if kind == SYMTAB else (0, 0)
        info = 1 if kind == SYMTAB else 0  # the first symbol that is not local
        found.append(
            Section(_place(table, name), kind, 0, 0, len(content), len(data), link, info, 8, size)
        )
        content += data + bytes(-len(data) % 8)
    header[6], header[12], header[13] = len(content), len(found), len(found) - 1
    content[: struct.calcsize(layout.header)] = struct.pack(layout.header, *header)
    for each in found:
        content += struct.pack(layout.section, *vars(each).values())
    return bytes(content)


def _sections(program: bytes, layout: Layout, offset: int, count: int) -> list[Section]:
    size = struct.calcsize(layout.section)
    return [
        Section(*struct.unpack_from(layout.section, program, offset + size * number))
        for number in range(count)
    ]


def _symbols(
    program: bytes, layout: Layout, sections: list[Section], names: set[str], places: dict[int, int]
) -> tuple[bytes, bytes]:
    """Return the table of the symbols that are kept, as global ones, and its strings."""
    table = next((each for each in sections if each.type == SYMTAB), None)
    size = struct.calcsize(layout.symbol)
    rows, strings = [bytes(size)], b"\0"
    missing = set(names)
    wide = layout is LAYOUTS[2]
    for at in range(table.offset, table.offset + table.size, size) if table else ():
        fields = list(struct.unpack_from(layout.symbol, program, at))
        name = _text(program, sections[table.link].offset + fields[0])
        kind, place = (1, 3) if wide else (3, 5)
        if name not in missing or fields[place] not in places:
            continue
        missing.discard(name)
        fields[0], fields[kind], fields[place] = (
            len(strings),
            0x10 | fields[kind] & 0xF,
            places[fields[place]],
        )
        rows.append(struct.pack(layout.symbol, *fields))
        strings += name.encode() + b"\0"
    if missing:
        raise ValueError(
            f"[strip_symbols] expected the symbols {', '.join(sorted(missing))}, got none of them;"
            " link the program with its symbols"
        )
    return b"".join(rows), strings


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode()


def _place(table: bytes, name: str) -> int:
    return table.index(name.encode() + b"\0") if name else 0


def main() -> None:
    """Strip the program that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("names", type=Path)
    args = parser.parse_args()
    try:
        stripped = strip(args.program.read_bytes(), set(args.names.read_text().split()))
    except ValueError as error:
        sys.exit(str(error))
    args.program.write_bytes(stripped)


if __name__ == "__main__":
    main()
