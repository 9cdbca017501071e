#!/usr/bin/env python3
"""Hardware counters of the kernels behind chosen benchmark cases, read by ncu: what limits a case that falls short of a copy.

    bench/gpu/counters.py [--build DIR] [PROGRAM:TEXT ...]

Runs PROGRAM of DIR/bench/gpu with the cases whose names contain TEXT under ncu, and prints a Markdown row for each kernel: microseconds (ncu
clears the caches before every launch and fixes the clock, so they are longer than the benchmark's), the share of the memory's and of the issue
slots' peak, and how many of a multiprocessor's warps are there. Kernels that only draw a case's operands are left out.
"""
import argparse
import csv
import pathlib
import re
import statistics
import subprocess
import sys

METRICS = {
    "gpu__time_duration.sum": "us",
    "dram__throughput.avg.pct_of_peak_sustained_elapsed": "memory %",
    "sm__inst_issued.avg.pct_of_peak_sustained_active": "issue slots %",
    "sm__warps_active.avg.pct_of_peak_sustained_active": "warps %",
    "launch__registers_per_thread": "registers",
    "launch__grid_size": "blocks",
}
CASES = ["rows_00768:sum first", "rows_00768:layer_norm forward", "rows_16384:layer_norm backward", "pointwise:dropout", "pointwise:gelu backward",
         "rope:forward", "cross_entropy:forward 8192x50257"]


def kernel_name(mangled):
    """The family of a fused kernel, or the innermost kernel's name; None for what draws operands or measures copies."""
    plain = re.sub(r"\b\w+::", "", mangled)
    fused = re.search(r"\b(\w+)_kernel<kernel_text<region<space<[^>]*>, pack<(.*?)>, pack<output", plain)
    if fused:
        masks = re.findall(r"input<\d+, (\d+)>", fused.group(2))
        return None if masks and not any(map(int, masks)) else fused.group(1)
    name = re.findall(r"\b\w*kernel\b", plain)
    return None if not name or name[-1] == "copy_kernel" else name[-1]


def measure(program, case, launches):
    command = ["ncu", "--csv", "--metrics", ",".join(METRICS), "--launch-count", str(launches), str(program), "--only", case]
    output = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in output.stdout.splitlines() if line.startswith('"')]
    if len(lines) < 2:
        sys.exit(f"counters.py: {' '.join(command)}\n{output.stdout[-2000:]}{output.stderr[-2000:]}")
    kernels = {}
    for row in csv.DictReader(lines):
        key = row["Kernel Name"]
        value = float(row["Metric Value"].replace(",", ""))
        unit = row["Metric Unit"]
        scale = {"ns": 1e-3, "nsecond": 1e-3, "ms": 1e3, "msecond": 1e3}.get(unit, 1)
        kernels.setdefault(key, {}).setdefault(row["Metric Name"], []).append(value * scale)
    for name, metrics in kernels.items():
        if kernel_name(name):
            yield kernel_name(name), {m: statistics.median(metrics[m]) for m in METRICS if m in metrics}


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / "build-gpu")
    parse.add_argument("--launches", type=int, default=100, help="profile so many launches of a case")
    parse.add_argument("cases", nargs="*", metavar="PROGRAM:TEXT", default=CASES)
    options = parse.parse_args()
    print("| case | kernel | " + " | ".join(METRICS.values()) + " |")
    print("|---" * (2 + len(METRICS)) + "|")
    for case in options.cases:
        program, _, text = case.partition(":")
        for kernel, m in measure(options.build / "bench/gpu" / program, text, options.launches):
            print(f"| {text} | {kernel} | " + " | ".join(f"{m[x]:.1f}" if x in m else "" for x in METRICS) + " |", flush=True)


if __name__ == "__main__":
    main()
