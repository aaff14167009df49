#!/usr/bin/env python3
"""Writes a C++ source that holds the project's data files (catalog, rules), so that the program needs
no installation folder. Usage: embed_data.py OUT ROOT DIR..."""
import pathlib
import sys


def literal(data: bytes) -> str:
    """Adjacent string literals of at most 8 KiB; every byte outside plain ASCII as octal."""
    pieces, line = [], []
    for byte in data:
        char = chr(byte)
        if char in '"\\?':
            line.append("\\" + char)
        elif char == "\n":
            line.append("\\n")
            pieces.append("".join(line))
            line = []
        elif 32 <= byte < 127:
            line.append(char)
        else:
            line.append(f"\\{byte:03o}")
    pieces.append("".join(line))
    return "\n    ".join(f'"{piece}"' for piece in pieces)


def main() -> None:
    out, root, *folders = sys.argv[1:]
    base = pathlib.Path(root)
    files = sorted(p for f in folders for p in (base / f).rglob("*")
                   if p.suffix in (".yml", ".yar", ".kql", ".spl") and not p.name.endswith(".test.yml"))
    parts = ['#include "engine/embedded.h"\n\nnamespace postern::engine {\nnamespace {\n']
    for i, path in enumerate(files):
        data = path.read_bytes()
        parts.append(f"constexpr char kFile{i}[] =\n    {literal(data)};\n")
    parts.append("constexpr EmbeddedFile kFiles[] = {\n")
    for i, path in enumerate(files):
        parts.append(f'    {{"{path.relative_to(base).as_posix()}", {{kFile{i}, sizeof kFile{i} - 1}}}},\n')
    parts.append("    {\"\", {}},\n};\n}  // namespace\n\n")
    parts.append("std::span<const EmbeddedFile> embedded_files() {\n")
    parts.append(f"  return std::span<const EmbeddedFile>(kFiles, {len(files)});\n}}\n\n}}  // namespace postern::engine\n")
    text = "".join(parts)
    target = pathlib.Path(out)
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


main()
