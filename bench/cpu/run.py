#!/usr/bin/env python3
"""Times the programs of bench/cpu beside JAX and prints one table: everything, from compiling to the table, where g++ and OpenBLAS are there.

    bench/cpu/run.py [--build DIR] [--threads N] [--rounds N] [--only TEXT] [--python PYTHON] [--json FILE]

PYTHON (default: this one) has jax, or only our figures are printed. All programs run on the first N processors (default: all that there are).
They take turns case by case, so that other work on the machine meets all alike; each turn gives the shortest of the calls within 0.3 s, and the
table has the medians over the rounds. Threads that wait sleep (OMP_WAIT_POLICY=passive), unless the environment says otherwise.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Program:
    """A program that answers the questions of timing.hpp."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        lines = list(iter(self.process.stdout.readline, "\n"))
        if not lines or lines[-1] == "":
            sys.exit(f"{command[0]} ended before it named its cases")
        *self.names, self.machine = (line.strip() for line in lines)

    def ask(self, name):
        """[microseconds, those of a copy or 0], or None if there is no such case."""
        if name not in self.names:
            return None
        print(self.names.index(name), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            sys.exit(f"{self.process.args[0]} ended at the case {name!r}")
        return [float(x) for x in answer]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--build", default=str(ROOT / "build-bench"), metavar="DIR")
    parse.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds this text")
    parse.add_argument("--python", default=sys.executable)
    parse.add_argument("--json", metavar="FILE")
    options = parse.parse_args()

    switches = [f"-DTHUNDER_{part}=OFF" for part in ("CUDA", "BUILD_TESTS", "BUILD_EXAMPLES")]
    subprocess.run(["cmake", "-S", ROOT, "-B", options.build, "-DCMAKE_BUILD_TYPE=Release", *switches], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", options.build, "--target", "bench_cpu"], check=True, stdout=sys.stderr)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ, "OMP_NUM_THREADS": str(options.threads)}
    ours = [Program([f"{options.build}/bench/cpu/{name}", "--serve"], environment) for name in ("region", "steps")]
    peers = []
    if subprocess.run([options.python, "-c", "import jax"], stderr=subprocess.DEVNULL).returncode == 0:
        peers = [Program([options.python, str(ROOT / "bench/cpu/peers.py"), "--serve"], environment)]
    else:
        print(f"{options.python} has no jax: our figures alone", file=sys.stderr)

    cases = [(p, name) for p in ours for name in p.names if options.only in name]
    found = {name: ([], [], []) for _, name in cases}
    for r in range(options.rounds):
        for program, name in cases:
            us, copy = program.ask(name)
            found[name][0].append(us), found[name][1].append(copy)
            for peer in peers:
                answer = peer.ask(name)
                if answer:
                    found[name][2].append(answer[0])
            print(f"round {r + 1} of {options.rounds}: {name}: {us:.0f} us", file=sys.stderr)
    for p in ours + peers:
        p.end()

    machine = "; ".join([ours[0].machine] + [p.machine for p in peers]) + f"; medians of {options.rounds} rounds"
    results = {"machine": machine, "results": []}
    for name, (us, copy, _) in found.items():
        row = {"case": name, "us": statistics.median(us)}
        if copy[0]:
            row.update(limit="copy", limit_us=statistics.median(copy))
        results["results"].append(row)
    folder = pathlib.Path(options.build) / "bench/cpu"
    (folder / "results.json").write_text(json.dumps(results, indent=1))
    (folder / "peers.json").write_text(json.dumps({name: {"JAX": statistics.median(times)} for name, (_, _, times) in found.items() if times}))
    command = [sys.executable, ROOT / "bench/table.py", "--peers", folder / "peers.json", folder / "results.json"]
    return subprocess.run(command + (["--json", options.json] if options.json else [])).returncode


if __name__ == "__main__":
    sys.exit(main())
