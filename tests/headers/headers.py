#!/usr/bin/env python3
"""Compiles every header alone, without warnings, then links two translation units that each include all of them.

A header that another one includes before anything else is compiled as the beginning of that one.

A header that reaches CUDA's headers (itself or through others) is compiled when --system-include names a folder that
holds them, and is otherwise counted as skipped. One that launches kernels is nvcc's: the .cu tests include it.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
CUDA_HEADER = re.compile(r"^(cuda|cublas|cudnn|nccl|curand|cufft|cub/|thrust/|nvtx|device_launch)")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


FOR_NVCC = re.compile(r"#ifdef __CUDACC__.*?#endif", re.DOTALL)  # what other compilers do not see
KERNELS = re.compile(r"__global__ |<<<|#ifndef __CUDACC__\n#error")


def seen_text(header):
    return FOR_NVCC.sub("", header.read_text())


def is_for_nvcc(header, root, seen):
    """Whether the header, or one that it includes, launches kernels."""
    if header in seen:
        return False
    seen.add(header)
    text = seen_text(header)
    return bool(KERNELS.search(text)) or any(
        candidate.is_file() and is_for_nvcc(candidate.resolve(), root, seen)
        for name in INCLUDE.findall(text) for candidate in (header.parent / name, root / name))


def reaches_cuda(header, root, seen):
    """Whether the header includes one of CUDA's, itself or through thunder's other headers."""
    if header in seen:
        return False
    seen.add(header)
    for name in INCLUDE.findall(seen_text(header)):
        if CUDA_HEADER.match(name):
            return True
        for candidate in (header.parent / name, root / name):
            if candidate.is_file() and reaches_cuda(candidate.resolve(), root, seen):
                return True
    return False


def compile_text(compiler, text, options):
    result = subprocess.run([compiler, "-std=c++20", "-x", "c++", "-", *options], input=text, text=True, errors="replace",
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode == 0, result.stdout


def first_include(header, root):
    """The header of thunder's that this one includes before anything else stands in it, if there is one."""
    for line in header.read_text().splitlines():
        if line.strip() and not line.startswith(("//", "#pragma once")):
            found = INCLUDE.match(line)
            candidates = (header.parent / found[1], root / found[1]) if found else ()
            return next((candidate.resolve() for candidate in candidates if candidate.is_file()), None)
    return None


def links_twice(compiler, names, options):
    """Two translation units that include everything, which are one, twice: fails if a header defines a function that is not inline."""
    text = "".join(f"#include <{name}>\n" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        unit = f"{folder}/unit.o"
        good, output = compile_text(compiler, text, [*options, "-c", "-o", unit])
        if not good:
            return False, output
        result = subprocess.run([compiler, "-r", "-nostdlib", unit, unit, "-o", f"{folder}/both.o"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode == 0, result.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", help="the include folder")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--system-include", action="append", default=[])
    arguments = parser.parse_args()

    root = pathlib.Path(arguments.root).resolve()
    options = [f"-I{root}"]
    for paths in arguments.system_include:
        options += [option for path in paths.split(";") if path for option in ("-isystem", path)]
    has_cuda = any((pathlib.Path(path) / "cuda_runtime.h").is_file()
                   for paths in arguments.system_include for path in paths.split(";"))

    headers = sorted(path for pattern in ("*.hpp", "*.cuh") for path in (root / "thunder").rglob(pattern))
    host_only, skipped, chosen = [], [], []
    for header in headers:
        needs_cuda = reaches_cuda(header, root, set())
        if is_for_nvcc(header, root, set()) or (needs_cuda and not has_cuda):
            skipped.append(header)
        else:
            chosen.append(header)
            if not needs_cuda:
                host_only.append(header)
    begun = {first_include(header, root) for header in chosen}
    begun = [header for header in chosen if header in begun]
    chosen = [header for header in chosen if header not in begun]

    def alone(header):
        name = header.relative_to(root)
        return name, *compile_text(arguments.compiler, f"#include <{name}>\n", [*options, *WARNINGS, "-fsyntax-only"])

    bad = []
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for name, good, output in pool.map(alone, chosen):
            if not good:
                bad.append(name)
                print(f"{name} does not compile alone:\n{output}")
    print(f"{len(chosen)} headers compiled alone and {len(begun)} as the beginning of others, {len(bad)} failed, {len(skipped)} skipped", *bad, *skipped)
    if bad:
        return 1
    good, output = links_twice(arguments.compiler, [header.relative_to(root) for header in host_only], options)
    print("two translation units that include them all link" if good
          else f"two translation units that include them all do not link:\n{output}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
