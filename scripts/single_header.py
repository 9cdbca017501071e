#!/usr/bin/env python3
"""Writes one header with all that a header of thunder includes of thunder: by default thunder/ir.hpp, traces and gradients without a
machine, for a build without an include path.

    scripts/single_header.py thunder_ir.hpp [--header thunder/thunder.hpp]
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "include"
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')


def text_of(path, seen):
    """The lines of a header, with those of each header of thunder where it is first included."""
    seen.add(path)
    lines = [f"// ---- {path.relative_to(ROOT)}"]
    depth = 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.match(r"\s*#\s*if", line):
            depth += 1
        elif re.match(r"\s*#\s*endif", line):
            depth -= 1
        included = INCLUDE.match(line)
        if included:
            other = (path.parent / included[1]).resolve()
            if other in seen:
                continue
            if depth:  # what is skipped here would be missing where it is included next
                sys.exit(f"{path}:{number}: includes a header under a condition: no single header can hold that")
            lines += text_of(other, seen)
        elif not re.match(r"\s*#\s*pragma\s+once", line):
            lines.append(line)
    return lines


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("output", type=pathlib.Path)
    parse.add_argument("--header", default="thunder/ir.hpp")
    options = parse.parse_args()
    header = ROOT / options.header
    if not header.is_file():
        sys.exit(f"there is no header {options.header} in {ROOT}")
    lines = ["#pragma once", f"// {options.header} and what it includes of thunder, put together by scripts/single_header.py. Apache License 2.0."]
    lines += text_of(header.resolve(), set())
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
