#!/usr/bin/env python3
"""The cases of bench/gpu/rows.hpp in torch.compile and JAX, where a Python with them is there: microseconds, bf16, 16384 rows.

    bench/gpu/peers.py [columns...]        # default: 768 4096 16384

torch.compile's calls are captured in a CUDA graph over rotating inputs, so that its host time does not count; JAX's calls follow each
other without waiting. Backward means: from x, the parameters and dy to all gradients, as in rows.hpp.
"""
import statistics
import sys
import time

ROWS = 16384
COLUMNS = [int(a) for a in sys.argv[1:]] or [768, 4096, 16384]


def torch_rows():
    import torch
    import torch.nn.functional as F

    def layer_norm(x, g, b, r, dy):
        return F.layer_norm(x, x.shape[-1:], g, b, 1e-5)

    def rms_norm(x, g, b, r, dy):
        return F.rms_norm(x, x.shape[-1:], g, 1e-5)

    def vjp_of(f, n):
        def backward(x, g, b, r, dy):
            if n == 3:
                _, pull = torch.func.vjp(lambda a, c, d: f(a, c, d, r, dy), x, g, b)
            else:
                _, pull = torch.func.vjp(lambda a, c: f(a, c, b, r, dy), x, g)
            return pull(dy)
        return backward

    cases = {
        "layer_norm forward": layer_norm,
        "rms_norm forward": rms_norm,
        "softmax forward": lambda x, g, b, r, dy: torch.softmax(x, -1),
        "layer_norm backward": vjp_of(layer_norm, 3),
        "rms_norm backward": vjp_of(rms_norm, 2),
        "gelu(x*w+b)+r forward": lambda x, g, b, r, dy: F.gelu(x * g + b, approximate="tanh") + r,
        "swiglu forward": lambda x, g, b, r, dy: F.silu(x) * r,
        "sum first": lambda x, g, b, r, dy: x.sum(0),
    }
    for columns in COLUMNS:
        sets = max(2, (200 << 20) // (ROWS * columns * 6) + 1)
        inputs = [[torch.randn(ROWS, columns, device="cuda", dtype=torch.bfloat16), torch.randn(columns, device="cuda", dtype=torch.bfloat16),
                   torch.randn(columns, device="cuda", dtype=torch.bfloat16), torch.randn(ROWS, columns, device="cuda", dtype=torch.bfloat16),
                   torch.randn(ROWS, columns, device="cuda", dtype=torch.bfloat16)] for _ in range(sets)]
        for name, f in cases.items():
            torch._dynamo.reset()
            g = torch.compile(f, dynamic=False)
            for i in range(3):
                g(*inputs[i % sets])
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                kept = [g(*inputs[i % sets]) for i in range(max(sets, 8))]
            times = []
            for _ in range(7):
                begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                begin.record()
                graph.replay()
                end.record()
                torch.cuda.synchronize()
                times.append(1000 * begin.elapsed_time(end) / len(kept))
            yield f"{name} {ROWS}x{columns}", statistics.median(times)
            del kept, graph


def jax_rows():
    import jax
    import jax.numpy as jnp

    def layer_norm(x, g, b):
        w = x.astype(jnp.float32)
        d = w - w.mean(-1, keepdims=True)
        return (d * jax.lax.rsqrt((d * d).mean(-1, keepdims=True) + 1e-5) * g + b).astype(x.dtype)

    def rms_norm(x, g):
        w = x.astype(jnp.float32)
        return (w * jax.lax.rsqrt((w * w).mean(-1, keepdims=True) + 1e-5) * g).astype(x.dtype)

    cases = {
        "layer_norm forward": lambda x, g, b, r, dy: layer_norm(x, g, b),
        "rms_norm forward": lambda x, g, b, r, dy: rms_norm(x, g),
        "softmax forward": lambda x, g, b, r, dy: jax.nn.softmax(x, -1),
        "layer_norm backward": lambda x, g, b, r, dy: jax.vjp(layer_norm, x, g, b)[1](dy),
        "rms_norm backward": lambda x, g, b, r, dy: jax.vjp(rms_norm, x, g)[1](dy),
        "gelu(x*w+b)+r forward": lambda x, g, b, r, dy: jax.nn.gelu(x * g + b, approximate=True) + r,
        "swiglu forward": lambda x, g, b, r, dy: jax.nn.silu(x) * r,
        "sum first": lambda x, g, b, r, dy: x.sum(0),
    }
    for columns in COLUMNS:
        sets = max(2, (200 << 20) // (ROWS * columns * 6) + 1)
        keys = jax.random.split(jax.random.key(0), sets)
        inputs = [(jax.random.normal(k, (ROWS, columns), jnp.bfloat16), jnp.ones(columns, jnp.bfloat16), jnp.ones(columns, jnp.bfloat16),
                   jax.random.normal(k, (ROWS, columns), jnp.bfloat16), jax.random.normal(k, (ROWS, columns), jnp.bfloat16)) for k in keys]
        for name, f in cases.items():
            g = jax.jit(f)
            for i in range(3):
                jax.block_until_ready(g(*inputs[i % sets]))
            times = []
            for _ in range(5):
                calls = 30
                begin = time.perf_counter()
                out = [g(*inputs[i % sets]) for i in range(calls)][-1]
                jax.block_until_ready(out)
                times.append(1e6 * (time.perf_counter() - begin) / calls)
            yield f"{name} {ROWS}x{columns}", statistics.median(times)


def main():
    found = {}
    for peer, rows in (("torch.compile", torch_rows), ("JAX", jax_rows)):
        try:
            for name, us in rows():
                found.setdefault(name, {})[peer] = us
        except ImportError as e:
            print(f"{peer}: {e}", file=sys.stderr)
    print("| case, bf16 | torch.compile us | JAX us |\n|---|---|---|")
    for name, row in found.items():
        print(f"| {name} | " + " | ".join(f"{row[p]:.1f}" if p in row else "" for p in ("torch.compile", "JAX")) + " |")


if __name__ == "__main__":
    main()
