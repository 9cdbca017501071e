#!/usr/bin/env python3
"""One Markdown table, and with --json one file, of what the programs of a folder of bench and its peers.py wrote with their own --json:

    bench/table.py [--json FILE] [--peers PEERS.json] RESULTS.json...

`limit` is the time of a plain copy of as many bytes, or of the products alone; `of it` is that time over thunder's, `over the best` the time of
the fastest peer over thunder's.
"""
import argparse
import json
import sys


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--json", metavar="FILE")
    parse.add_argument("--peers", metavar="FILE")
    parse.add_argument("results", nargs="+", metavar="FILE")
    options = parse.parse_args()
    peers = {}
    if options.peers:
        with open(options.peers) as f:
            peers = json.load(f)
    ways = [w for w in ("torch.compile", "JAX", "torch eager") if any(w in row for row in peers.values())]
    machines, rows, ratios = [], [], []
    for path in options.results:
        with open(path) as f:
            found = json.load(f)
        if found["machine"] not in machines:
            machines.append(found["machine"])
        rows += found["results"]
    print("; ".join(machines) + "\n")
    print("| case | us | limit | us | of it | " + "".join(f"{w} us | " for w in ways) + ("over the best |" if ways else ""))
    print("|---|---|---|---|---|" + "---|" * (len(ways) + bool(ways)))
    for row in rows:
        peer = peers.get(row["case"], {})
        limit = f"{row['limit']} | {row['limit_us']:.1f} | {row['limit_us'] / row['us']:.2f}" if "limit" in row else " |  | "
        line = f"| {row['case']} | {row['us']:.1f} | {limit} | " + "".join((f"{peer[w]:.1f}" if w in peer else "") + " | " for w in ways)
        if peer:
            row["peers"] = peer
            ratio = min(peer.values()) / row["us"]
            if row.get("limit") == "copy":
                ratios.append(ratio)
            line += f"{ratio:.2f} |"
        elif ways:
            line += " |"
        print(line)
    if ratios:
        mean = 1.0
        for r in ratios:
            mean *= r ** (1 / len(ratios))
        print(f"\nGeometric mean over the best peer, {len(ratios)} memory-bound cases: {mean:.2f}; the least: {min(ratios):.2f}")
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"machines": machines, "results": rows}, f, indent=1)


if __name__ == "__main__":
    sys.exit(main())
