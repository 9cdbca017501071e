#!/usr/bin/env python3
"""Times compilers on thunder's headers and traces: user seconds, peak memory, and the constexpr steps of a statement.

    bench/compile/run.py                        every row, as a Markdown table
    bench/compile/run.py --only gpt --json FILE rows whose name contains 'gpt'; the figures as JSON too
    bench/compile/run.py --budget               checks the numbers to reach, and exits with 1 if one is missed

Each time is the least of --repeat runs. Rows through module calls use the compilers' default limits; unrolled ones the limits
that the CMake target raises.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RAISED = {
    "g++": ["-fconstexpr-ops-limit=1000000000", "-fconstexpr-loop-limit=10000000"],
    "clang++": ["-fconstexpr-steps=500000000"],
    "nvcc": ["-Xcudafe", "--max_cost_constexpr_call=1000000000", "-Xcompiler=-fconstexpr-ops-limit=1000000000,-fconstexpr-loop-limit=10000000"],
}
BLAS = ["-I/usr/include/" + name for name in ("x86_64-linux-gnu/openblas-openmp", "aarch64-linux-gnu/openblas-openmp")]
PROGRAM = {"g++": ["-fopenmp", *BLAS], "clang++": ["-fopenmp", *BLAS], "nvcc": ["-Xcompiler=-fopenmp", *BLAS]}


class Row:
    """What is compiled: a source, options, and the most seconds that it may take with each compiler, an empty file's taken off."""

    def __init__(self, name, source, options=(), optimise="-O0", raised=False, program=False, budget=None, compilers=("g++", "clang++", "nvcc")):
        self.name, self.source, self.options, self.optimise = name, source, list(options), optimise
        self.raised, self.program, self.budget, self.compilers = raised, program, budget or {}, compilers


def trace(layers, calls, budget=None):
    """A transformer's trace with the gradients of its parameters."""
    how = "through calls" if calls else "unrolled"
    return Row(f"gpt {layers} layers {how}", HERE / "gpt.cpp", [f"-DLAYERS={layers}", f"-DCALLS={int(calls)}"], raised=not calls, budget=budget)


ROWS = [
    Row("empty file", HERE / "empty.cpp"),
    Row("#include <thunder/ir.hpp>", HERE / "include_ir.cpp", budget={"g++": 0.6}),
    Row("#include <thunder/thunder.hpp>", HERE / "include_thunder.cpp", program=True),
    Row("hello world -O0", ROOT / "examples/hello_world/main.cpp", program=True),
    Row("hello world -O2", ROOT / "examples/hello_world/main.cpp", optimise="-O2", program=True, budget={"g++": 3.0}),
    trace(2, True),
    trace(12, True, {"g++": 2.0, "clang++": 2.5, "nvcc": 4.5}),
    trace(24, True),
    trace(48, True),
    trace(2, False),
    trace(12, False, {"g++": 4.0, "clang++": 5.0, "nvcc": 12.0}),
    trace(24, False),
    Row("fashion_mnist -O3", ROOT / "examples/fashion_mnist/main.cpp", ["-march=native"], "-O3", program=True, budget={"g++": 25.0}, compilers=("g++", "clang++")),
]


def kernels(kind):
    """One kernel of a kind, and five."""
    return [Row(f"{count} x {kind}", HERE / "kernels.cu", [f"-DKIND={kind}", f"-DCOUNT={count}"], "-O3", raised=True, compilers=("nvcc",)) for count in (1, 5)]


# kinds of kernels, and the most seconds that one more of them may take
KERNELS = {"chain": 0.15, "softmax": 0.5, "layer_norm": 0.5, "layer_norm_backward": 0.5, "column_sum": 0.5, "cross_entropy": 0.5}
for kind in KERNELS:
    ROWS += kernels(kind)
ROWS += [
    Row("a kernel and headers", HERE / "plain.cu", program=True, compilers=("nvcc",)),
    Row("hello world on a GPU", HERE / "hello.cu", program=True, compilers=("nvcc",)),
]
# row, the row it is measured against, the largest ratio of their times
RATIOS = [
    ("hello world on a GPU", "a kernel and headers", {"nvcc": 2.0}),
    ("gpt 48 layers through calls", "gpt 12 layers through calls", {"g++": 1.5, "clang++": 1.5, "nvcc": 1.5}),
    ("gpt 24 layers unrolled", "gpt 12 layers unrolled", {"g++": 2.2, "clang++": 2.2, "nvcc": 2.7}),
]


def command(compiler, row, output, include, extra=()):
    options = ["-std=c++20", f"-I{include}", row.optimise, *row.options, *extra]
    if compiler == "nvcc":
        options = ["-x", "cu", "-arch=sm_90", "--expt-relaxed-constexpr", "-diag-suppress=1301", *(f"-Xcompiler={o}" if o.startswith("-m") else o for o in options)]
    if row.raised:
        options += RAISED[compiler]
    if row.program:
        options += PROGRAM[compiler]
    return [compiler, *options, "-c", str(row.source), "-o", str(output)]


def run_once(arguments):
    """(user seconds, peak MiB of the largest process, output), or None in place of the seconds where it fails."""
    with tempfile.TemporaryFile(mode="w+") as log:
        child = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        return (usage.ru_utime if child.returncode == 0 else None), usage.ru_maxrss / 1024, log.read()


def measure(compiler, row, include, repeat, folder):
    best, memory = None, 0
    for _ in range(repeat):
        seconds, peak, output = run_once(command(compiler, row, folder / "out.o", include))
        if seconds is None:
            first = next((line for line in output.splitlines() if "error" in line), output.strip()[:200])
            print(f"{compiler}: {row.name}: {first}", file=sys.stderr)
            return {"error": first}
        best = seconds if best is None else min(best, seconds)
        memory = max(memory, peak)
    return {"seconds": round(best, 2), "memory_mib": round(memory)}


def least_limit(compiler, row, include, folder, flag, low, high):
    """The least value of a limit with which the row compiles, within 2 %."""
    if run_once(command(compiler, row, folder / "out.o", include, [f"{flag}={high}"]))[0] is None:
        return None
    while high > low * 1.02:
        middle = int((low * high) ** 0.5)
        good = run_once(command(compiler, row, folder / "out.o", include, [f"{flag}={middle}"]))[0] is not None
        low, high = (low, middle) if good else (middle, high)
    return high


def steps(compiler, include, folder):
    """The largest constant evaluation of the unrolled 12-layer trace, in the compiler's own unit, and its share for each statement."""
    row = trace(12, False)
    row.raised = False
    program = folder / "gpt"
    build = [word for word in command(compiler, row, program, include, RAISED[compiler]) if word != "-c"]
    if run_once(build)[0] is None:
        return None
    statements = int(subprocess.run([str(program)], capture_output=True, text=True).stdout.split()[0])
    flag = {"clang++": "-fconstexpr-steps", "g++": "-fconstexpr-ops-limit"}[compiler]
    most = least_limit(compiler, row, include, folder, flag, 10000, 500000000)
    return most and {"limit": flag, "needed": most, "statements": statements, "per_statement": round(most / statements)}


def table(names, compilers, figures):
    lines = ["| | " + " | ".join(f"{c}: s | MiB" for c in compilers) + " |", "|---|" + "---:|---:|" * len(compilers)]
    for name in names:
        cells = [f"{f['seconds']:.2f} | {f['memory_mib']}" if "seconds" in (f := figures[c].get(name, {})) else ("fails | " if f else " | ") for c in compilers]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def check_budget(rows, compilers, figures):
    """Sentences about what is missed and what is met."""
    missed, met = [], []
    for compiler in compilers:
        seconds = {name: f["seconds"] for name, f in figures[compiler].items() if "seconds" in f}
        for row in rows:
            if compiler not in row.budget:
                continue
            over_empty = seconds.get("empty file", 0) if row.name.startswith("#include") else 0
            if row.name not in seconds:
                missed.append(f"{compiler}: {row.name}: does not compile")
                continue
            value, most = seconds[row.name] - over_empty, row.budget[compiler]
            (missed if value > most else met).append(f"{compiler}: {row.name}: {value:.2f} s, allowed {most} s ({value / most:.2f}x)")
        for name, base, most in RATIOS:
            if name in figures[compiler] and base in seconds:
                ratio = seconds[name] / seconds[base] if name in seconds else float("inf")
                (missed if ratio > most[compiler] else met).append(f"{compiler}: {name}: {ratio:.2f} x the time of {base}, allowed {most[compiler]} x")
        if compiler == "nvcc":
            for kind, most in KERNELS.items():
                if f"5 x {kind}" in seconds:
                    value = one_more(seconds, kind)
                    (missed if value > most else met).append(f"{compiler}: one more {kind} kernel: {value:.2f} s, allowed {most} s ({value / most:.2f}x)")
    return missed, met


def one_more(seconds, kind):
    """What one more kernel of a kind takes, with the host's code that starts it."""
    return (seconds[f"5 x {kind}"] - seconds[f"1 x {kind}"]) / 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", action="append", choices=["g++", "clang++", "nvcc"], help="default: all that are installed")
    parser.add_argument("--include", default=str(ROOT / "include"))
    parser.add_argument("--only", default="", help="a regular expression that the names of the rows match")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--steps", action="store_true", help="also the constexpr steps of a statement (g++ and clang++; some minutes)")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--budget", action="store_true")
    arguments = parser.parse_args()
    compilers = arguments.compiler or [c for c in ("g++", "clang++", "nvcc") if any(os.access(pathlib.Path(p) / c, os.X_OK) for p in os.environ["PATH"].split(":"))]
    rows = [row for row in ROWS if re.search(arguments.only, row.name) or row.name == "empty file"]
    figures, costs = {c: {} for c in compilers}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for compiler in compilers:
            for row in rows:
                if compiler in row.compilers:
                    figures[compiler][row.name] = measure(compiler, row, arguments.include, arguments.repeat, folder)
                    print(f"{compiler}: {row.name}: {figures[compiler][row.name]}", file=sys.stderr)
            if arguments.steps and compiler != "nvcc":
                costs[compiler] = steps(compiler, arguments.include, folder)
    print(table([row.name for row in rows], compilers, figures))
    seconds = {name: f["seconds"] for name, f in figures.get("nvcc", {}).items() if "seconds" in f}
    for kind in KERNELS:
        if f"5 x {kind}" in seconds and f"1 x {kind}" in seconds:
            print(f"\nnvcc: one more {kind} kernel: {one_more(seconds, kind):.2f} s")
    for compiler, cost in costs.items():
        if cost:
            print(f"\n{compiler}: the 12-layer trace with gradient, unrolled ({cost['statements']} statements), needs {cost['limit']}={cost['needed']}: "
                  f"{cost['per_statement']} a statement")
    missed, met = check_budget(rows, compilers, figures)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps({"figures": figures, "steps": costs, "missed": missed}, indent=2) + "\n")
    if arguments.budget:
        print("\n" + "\n".join([*(f"missed  {line}" for line in missed), *(f"met     {line}" for line in met)]))
        return 1 if missed else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
