#!/usr/bin/env python3
"""What an op, a routine of an executor and a transform take, in lines of this tree; blank lines and comments do not count. Prints the tables of
docs/07_adding_an_op.md; --write puts them there, --check fails if a number there is off by more than a tenth and five lines."""
import contextlib
import io
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "include/thunder"
CHAPTER = ROOT / "docs/07_adding_an_op.md"

# An op, the structs that it is, and the files of its routines.
OPS = [("silu", ["silu"], []), ("gelu", ["gelu"], []), ("softmax", ["softmax"], []), ("layer_norm", ["layer_norm"], []),
       ("cross_entropy_rows", ["cross_entropy_rows"], []),
       ("rope", ["rope", "rotate_pairs"], ["rotation.hpp", "cpu/rotation.hpp", "cuda/rotation.hpp"])]
KINDS = {"pointwise_op": "pointwise", "composite_op": "composite", "op_base": "with a routine of its own, for the CPU"}
EXECUTORS = [("the reference executor: every op, in float64", ["reference.hpp", "reference"]),
             ("what a program asks of the CPU executor", ["cpu/executor.hpp", "cpu/step.hpp"]),
             ("the CPU's argmax", ["cpu/argmax.hpp"]), ("the CPU's take and scatter_add", ["cpu/gather.hpp"]),
             ("the CPU's matrix products, through OpenBLAS", ["cpu/matmul.hpp", "cpu/blas.hpp"]),
             ("the CPU's fused loops", [f"cpu/{f}.hpp" for f in ("region", "row_pass", "plan", "space", "memory", "vec", "math")]),
             ("all of the CPU executor", ["cpu"])]


def is_code(line):
    return line.strip() != "" and not line.strip().startswith("//")


def count(lines):
    return sum(map(is_code, lines))


def struct_of(lines, pattern):
    """The places of a struct's lines: from its head to the brace that closes it."""
    for first, line in enumerate(lines):
        if re.search(pattern, line) and not line.strip().startswith("//"):
            depth = 0
            for last in range(first, len(lines)):
                depth += lines[last].count("{") - lines[last].count("}")
                if depth == 0 and "{" in "".join(lines[first:last + 1]):
                    return set(range(first, last + 1))
    return set()


def files_of(paths):
    for path in paths:
        path = LIBRARY / "executors" / path
        yield from sorted(path.rglob("*.hpp")) if path.is_dir() else [path]


def total(paths):
    return sum(count(f.read_text().splitlines()) for f in files_of(paths))


def op_row(name, structs, routine_files):
    rules = routines = mentions = 0
    for path in sorted(LIBRARY.rglob("*.hpp")):
        if path in set(files_of(routine_files)):
            continue
        lines = path.read_text().splitlines()
        taken = set()
        if path.parent.name == "ops":
            for s in structs:
                taken |= struct_of(lines, rf"struct {s} : ")
        rules += count(lines[i] for i in taken)
        reference = set()
        for s in structs:
            reference |= struct_of(lines, rf"struct reference_rule<ops::{s}>")
        routines += count(lines[i] for i in reference)
        # other ops, layers and text that use it are no part of it
        known = re.compile(r"\bops::(%s)\b" % "|".join(structs) + (r"|constexpr auto (%s)\(" % "|".join(structs) if path.parent.name == "ops" else "")
                           + (r"|\b%s\b|\b%s_" % (name, name) if path.name in ("refuse.hpp", "statement.hpp", "spelling.hpp", "print_cpp.hpp") else ""))
        mentions += count(line for i, line in enumerate(lines) if i not in taken | reference and known.search(line))
    routines += total(routine_files)
    tests = sum(count(f.read_text().splitlines()) for f in ROOT.glob(f"tests/**/{name}.cpp"))
    return f"| {name} | {rules} | {routines or ''} | {mentions} | {tests or ''} |"


def print_tables():
    print("| op | its struct | routines | its function, lists, printing | a test file of its own |\n|---|---|---|---|---|")
    for op in OPS:
        print(op_row(*op))
    chapter = CHAPTER.read_text().splitlines()
    print("\n| your own, as above | lines |\n|---|---|")
    for name, base in re.findall(r"struct (\w+)_op : (\w+)<", "\n".join(chapter)):
        places = struct_of(chapter, rf"struct {name}_op : ") | struct_of(chapter, rf"library_step<mine::{name}_op") | {
            i for i, line in enumerate(chapter) if re.search(rf"constexpr auto {name}\(", line)}
        print(f"| {name}: {KINDS[base]} | {count(chapter[i] for i in places)} |")
    print("\n| executors | lines |\n|---|---|")
    for what, paths in EXECUTORS:
        print(f"| {what} | {total(paths)} |")
    print("\n| transforms | lines |\n|---|---|")
    for path in sorted((LIBRARY / "transforms").glob("*.hpp")):
        print(f"| {path.stem} | {count(path.read_text().splitlines())} |")


def main():
    how = sys.argv[1] if len(sys.argv) == 2 else None
    if len(sys.argv) > 2 or how not in (None, "--write", "--check"):
        sys.exit("usage: lines.py [--write | --check]")
    if not how:
        return print_tables()
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_tables()
    lines = CHAPTER.read_text().splitlines()
    wrong = []
    for row in text.getvalue().splitlines():
        key = row[: row.find("|", 1) + 1]
        if not row.startswith("|") or row.startswith("|---"):
            continue
        places = [i for i, line in enumerate(lines) if line.startswith(key)]
        if len(places) != 1:
            sys.exit(f"lines.py: {CHAPTER.name} has {len(places)} rows that begin with '{key}' instead of one")
        shown, counted = ([int(n or 0) for n in re.findall(r"\|\s*(\d*)\s*(?=\|)", r[len(key) - 1 :])] for r in (lines[places[0]], row))
        if len(shown) != len(counted) or any(abs(a - b) > max(5, b / 10) for a, b in zip(shown, counted)):
            wrong.append(f"{lines[places[0]]}  is now  {row}")
        lines[places[0]] = row
    if how == "--write":
        CHAPTER.write_text("\n".join(lines) + "\n")
    elif wrong:
        sys.exit("\n".join(wrong) + f"\nlines.py --write puts the numbers into {CHAPTER.name}")


if __name__ == "__main__":
    main()
