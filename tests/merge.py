#!/usr/bin/env python3
"""Writes one source that compiles others together, so that what they all include and instantiate is compiled once.

    merge.py OUTPUT SOURCE...

Each source stands in a namespace of its own, after everything that any of them includes. So a source that opens or specialises
something of another namespace cannot be merged, nor one that includes something under a condition.
"""
import pathlib
import re
import sys


def merged(sources):
    """The text: the includes of all sources, then the sources."""
    includes, parts = [], []
    for number, source in enumerate(sources):
        folder = source.parent.resolve()
        for name in re.findall(r"^#include ([<\"].*[>\"])", source.read_text(), re.MULTILINE):
            if name[0] == '"':
                name = f'"{(folder / name[1:-1]).resolve()}"'
            if name not in includes:
                includes.append(name)
        parts.append(f'namespace file_{number} {{\n#include "{source.resolve()}"\n}}\n')
    return "".join(f"#include {name}\n" for name in includes) + "".join(parts)


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text(merged([pathlib.Path(name) for name in sys.argv[2:]]))
