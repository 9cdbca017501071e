#!/usr/bin/env python3
"""Checks the include arrows between thunder's folders, and prints the size of its headers.

Arrows point down; there is no cycle; core/ and ir/ reach no CUDA or vendor header; each vendor header is included by one
file; what thunder.hpp includes for the CPU needs no standard header that takes long to compile. --selftest runs the checks on small trees that break each rule.
"""
import pathlib
import re
import statistics
import sys
import tempfile

# folder -> the folders it may include, beside itself. A header directly in include/thunder is an umbrella ("").
COMPILER = ["core", "ir", "ops", "transforms", "fusion", "executors", "jit"]
ALLOWED = {
    "core": [],
    "runtime": ["core"],
    "ir": ["core"],
    "ops": ["core", "ir"],
    "transforms": ["core", "ir", "ops"],
    "fusion": ["core", "ir", "ops", "transforms"],
    "executors": ["core", "ir", "ops", "transforms", "fusion", "runtime"],
    "jit": [*COMPILER, "runtime"],
    "distributed": [*COMPILER, "runtime"],
    "nn": ["core", "ir", "ops", "jit"],
    "optim": ["core", "ir", "ops", "jit"],
    "interop": ["core", "runtime"],
    "examine": [*COMPILER, "runtime", "distributed", "nn", "optim", "interop"],
    "": [*COMPILER, "runtime", "distributed", "nn", "optim", "interop", "examine"],
}
VENDOR = re.compile(r"^(cblas\.h|cblas-.*\.h|mkl.*|dnnl.*|oneapi/.*|cublas.*|cudnn.*|nccl.*|mpi\.h|curand.*|cufft.*|cusparse.*)$")
CUDA = re.compile(r"^(cuda.*|device_launch_parameters\.h|cub/.*|thrust/.*|nvtx.*|cooperative_groups.*|mma\.h)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
HOST_ONLY_UMBRELLAS = ["ir.hpp"]
SLOW = {"algorithm", "atomic", "chrono", "cmath", "deque", "functional", "iomanip", "iostream", "map", "memory", "mutex", "numeric", "random", "ranges",
        "regex", "set", "sstream", "thread", "unordered_map", "unordered_set"}
FOR_NVCC = "cuda.hpp"  # which thunder.hpp includes for that compiler alone

MEDIAN_LINES, MAX_LINES, MACROS_PER_1000_LINES = 150, 600, 4


def read_tree(root):
    """header -> (thunder headers it includes, other headers it includes), by paths relative to include/thunder."""
    tree, faults = {}, []
    for path in sorted(p for pattern in ("*.hpp", "*.cuh", "*.h") for p in root.rglob(pattern)):
        own, others = [], []
        for name in INCLUDE.findall(COMMENT.sub("", path.read_text())):
            near = (path.parent / name).resolve()
            far = (root.parent / name).resolve()
            if near.is_file() and near.is_relative_to(root):
                own.append(str(near.relative_to(root)))
            elif far.is_file() and far.is_relative_to(root):
                own.append(str(far.relative_to(root)))
            elif name.startswith("thunder/") or name.startswith("."):
                faults.append(f"{path.relative_to(root)} includes {name}, which does not exist")
            else:
                others.append(name)
        tree[str(path.relative_to(root))] = (own, others)
    return tree, faults


def folder_of(header):
    return header.split("/")[0] if "/" in header else ""


def arrow_faults(tree):
    for header, (own, _) in tree.items():
        here = folder_of(header)
        if here not in ALLOWED:
            yield f"{header}: the folder {here}/ has no layer yet: add it to the table in tests/layering.py"
            continue
        for other in own:
            there = folder_of(other)
            if there != here and there not in ALLOWED[here]:
                yield f"{header} includes {other}: {here or 'an umbrella'} may not include {there or 'an umbrella header'}"


def cycle_faults(tree):
    """Depth-first search; an arrow back into the current path closes a cycle."""
    done, path = set(), []

    def visit(header):
        if header in path:
            yield "include cycle: " + " -> ".join([*path[path.index(header):], header])
        elif header not in done:
            path.append(header)
            for other in tree[header][0]:
                yield from visit(other)
            path.pop()
            done.add(header)

    for header in tree:
        yield from visit(header)


def reached(tree, header):
    seen, todo = set(), [header]
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo += tree[current][0]
    return seen


def vendor_faults(tree):
    users = {}
    for header, (_, others) in tree.items():
        for name in others:
            if VENDOR.match(name):
                users.setdefault(name, []).append(header)
    for name, files in sorted(users.items()):
        if len(files) > 1:
            yield f"{name} is included by {len(files)} files, and should be by one: {', '.join(files)}"
    for header in tree:
        if folder_of(header) in ("core", "ir") or header in HOST_ONLY_UMBRELLAS:
            for other in sorted(reached(tree, header)):
                for name in tree[other][1]:
                    if VENDOR.match(name) or CUDA.match(name):
                        yield f"{header} must stay free of CUDA and vendor headers, and reaches {name} through {other}"


def slow_faults(tree):
    host = {**tree, FOR_NVCC: ([], [])}
    if "thunder.hpp" in tree:
        for header in sorted(reached(host, "thunder.hpp")):
            for name in host[header][1]:
                if name in SLOW:
                    yield f"{header} includes <{name}>, which every program that includes thunder.hpp would compile"


def size_faults(root, tree):
    if not tree:
        yield "there are no headers"
        return
    texts = {header: (root / header).read_text() for header in tree}
    lines = {header: len(text.splitlines()) for header, text in texts.items()}
    macros = sum(len(re.findall(r"^\s*#\s*define\b", text, re.MULTILINE)) for text in texts.values())
    total = sum(lines.values())
    median = statistics.median(lines.values())
    longest = max(lines, key=lines.get)
    rate = 1000 * macros / max(total, 1)
    print(f"{len(lines)} headers, {total} lines: median {median:g} (at most {MEDIAN_LINES}), longest {lines[longest]} "
          f"({longest}, at most {MAX_LINES}); {macros} macros, {rate:.1f} per 1000 lines (at most {MACROS_PER_1000_LINES})")
    if median > MEDIAN_LINES:
        yield f"the median header has {median:g} lines"
    for header, count in lines.items():
        if count > MAX_LINES:
            yield f"{header} has {count} lines"
        if "#pragma once" not in texts[header]:
            yield f"{header} lacks #pragma once"
    if rate > MACROS_PER_1000_LINES:
        yield f"{rate:.1f} macros per 1000 lines"


def check(root):
    root = pathlib.Path(root).resolve()
    tree, faults = read_tree(root)
    return [*faults, *arrow_faults(tree), *cycle_faults(tree), *vendor_faults(tree), *slow_faults(tree), *size_faults(root, tree)]


def selftest():
    """Each tree is header -> text; the words must occur in the only fault (no words: no fault)."""
    cases = [
        ({"core/a.hpp": "", "ir/b.hpp": '#include "../core/a.hpp"\n', "thunder.hpp": "#include <thunder/ir/b.hpp>\n"}, ""),
        ({"core/a.hpp": '#include "../ir/b.hpp"\n', "ir/b.hpp": ""}, "core may not include ir"),
        ({"ir/a.hpp": "#include <thunder/runtime/b.hpp>\n", "runtime/b.hpp": ""}, "ir may not include runtime"),
        ({"core/a.hpp": '#include "b.hpp"\n', "core/b.hpp": '#include "a.hpp"\n'}, "cycle: core/a.hpp -> core/b.hpp -> core/a.hpp"),
        ({"core/a.hpp": "// #include <cuda_runtime.h>\n#include <cuda_runtime.h>\n"}, "reaches cuda_runtime.h"),
        ({"executors/a.hpp": "#include <cblas.h>\n", "executors/b.hpp": "#include <cblas.h>\n"}, "included by 2 files"),
        ({"core/a.hpp": "#include <thunder/core/gone.hpp>\n"}, "does not exist"),
        ({"strange/a.hpp": ""}, "has no layer"),
        ({"core/a.hpp": "//\n" * 600}, "601 lines"),
        ({"core/a.hpp": "#define X\n" + "//\n" * 100}, "macros per 1000"),
        ({"nn/a.hpp": '#include "../optim/b.hpp"\n', "optim/b.hpp": ""}, "nn may not include optim"),
        ({"jit/a.hpp": '#include "../thunder.hpp"\n', "thunder.hpp": ""}, "may not include an umbrella"),
        ({"core/a.hpp": "#include <map>\n", "thunder.hpp": '#include "core/a.hpp"\n'}, "core/a.hpp includes <map>"),
        ({"core/a.hpp": "#include <map>\n", "thunder.hpp": '#include "cuda.hpp"\n', "cuda.hpp": '#include "core/a.hpp"\n'}, ""),
    ]
    good = True
    for files, words in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve() / "thunder"
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text("#pragma once\n" + text)
            faults = [fault for fault in check(root) if "median" not in fault]
        expected = len(faults) == 1 and words in faults[0] if words else not faults
        if not expected:
            good = False
            print(f"selftest: expected {words or 'no fault'}, found {faults}", *files.items(), sep="\n")
    print("selftest passes" if good else "selftest fails")
    return good


def main():
    if sys.argv[1:] == ["--selftest"]:
        return 0 if selftest() else 1
    faults = check(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "include" / "thunder")
    for fault in faults:
        print("layering:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
