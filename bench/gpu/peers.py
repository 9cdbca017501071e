#!/usr/bin/env python3
"""The cases of bench/gpu in torch.compile and JAX, where a Python with them is there: microseconds, by the names that bench/gpu prints.

    bench/gpu/peers.py [--json FILE] [--only TEXT] [columns...]      # columns of the row programs; default: 768 4096 16384

bf16 unless a case says otherwise. torch.compile's calls are captured in a CUDA graph over rotating inputs, so that its host time does not
count; JAX's calls follow each other without waiting. Forward, backward and both mean what they mean in the .cu files: backward is from the
inputs and dy to the gradients.
"""
import argparse
import json
import os
import statistics
import sys
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the GPU is shared with torch
ROWS = 16384
WAYS = ("torch.compile", "JAX", "torch eager")


def sets_of(elements):
    return max(2, (200 << 20) // (elements * 2) + 1)


def settle(name, run, wait):
    """Runs what draws all the power that the GPU may draw for half a second, so that its clock has fallen, as in bench/gpu/mlp.cu."""
    end = time.time() + 0.5
    while name.startswith("MLP 16384") and time.time() < end:
        for _ in range(4):
            run()
        wait()


# name -> (shapes of the arguments, which of them are differentiated (None: forward), function). `f` has a version for each peer.
def cases(columns):
    r, c = ROWS, columns
    rows = {"x": (r, c), "g": (c,), "b": (c,), "r": (r, c), "dy": (r, c)}
    for name in ("layer_norm", "rms_norm", "softmax", "gelu(x*w+b)+r", "swiglu", "sum first"):
        yield (name if name.startswith("sum") else name + " forward") + f" {r}x{c}", name, rows, None
    yield f"layer_norm backward {r}x{c}", "layer_norm", rows, ("x", "g", "b")
    yield f"rms_norm backward {r}x{c}", "rms_norm", rows, ("x", "g")


def other_cases():
    gelu = {"x": (ROWS, 3072), "b": (3072,), "dy": (ROWS, 3072)}
    yield "bias + gelu forward 16384x3072", "bias_gelu", gelu, None
    yield "bias + gelu backward 16384x3072", "bias_gelu", gelu, ("x", "b")
    drop = {"x": (ROWS, 4096), "b": (4096,), "r": (ROWS, 4096), "dy": (ROWS, 4096)}
    yield "bias + dropout + residual forward 16384x4096", "bias_dropout", drop, None
    yield "bias + dropout + residual backward 16384x4096", "bias_dropout", drop, ("x", "b")
    for c in (50304, 128256, 50257):  # t: the labels; dy: of the loss
        losses = {"x": (8192, c), "t": (8192,), "dy": ()}
        yield f"cross-entropy forward 8192x{c}", "cross_entropy", losses, None
        yield f"cross-entropy forward + backward 8192x{c}", "cross_entropy", losses, ("x",)
    yield "softmax forward 16384x32768", "softmax", {"x": (ROWS, 32768)}, None
    turn = {"q": (4, 4096, 32, 128), "k": (4, 4096, 32, 128), "dy": (2, 4, 4096, 32, 128)}
    yield "rope q,k forward 4x4096x32x128", "rope", turn, None
    yield "rope q,k backward 4x4096x32x128", "rope", turn, ("q", "k")
    for what, which, shape in (("cumsum of float", "cumsum", (ROWS, 4096)), ("cumsum", "cumsum", (ROWS, 4096)), ("cumsum of columns of float", "cumsum of columns", (ROWS, 4096)),
                               ("cumsum of float", "cumsum", (1, 1 << 26)), ("sort of float", "sort", (256, 50304)), ("sort of float", "sort", (ROWS, 1024)),
                               ("sort of float", "sort", (1, 1 << 24)), ("top_k 50 of float", "top_k 50", (64, 50304)), ("top_k 50", "top_k 50", (64, 50304)),
                               ("top_k 8 of float", "top_k 8", (ROWS, 64))):
        yield f"{what} {shape[0]}x{shape[1]}", which, {"x": shape}, None
    mlp = {"x": (ROWS, 768), "w1": (768, 3072), "b1": (3072,), "w2": (3072, 768), "b2": (768,), "dy": (ROWS, 768)}
    yield "MLP 16384x768x3072 forward", "mlp", mlp, None
    yield "MLP 16384x768x3072 forward+backward", "mlp", mlp, ("x", "w1", "b1", "w2", "b2")


def gpt2_shapes():
    w = 768
    yield (50257, w)
    yield (1024, w)
    for _ in range(12):
        for i, o in ((w, 3 * w), (w, w), (w, 4 * w), (4 * w, w)):
            yield (i, o)
            yield (o,)
        for _ in range(4):
            yield (w,)
    yield (w,)
    yield (w,)


# ---- torch
def torch_functions():
    import torch
    import torch.nn.functional as F

    def rope(q, k, **_):
        d = q.shape[-1]
        angle = torch.arange(q.shape[1], device=q.device, dtype=torch.float32)[:, None] * 10000.0 ** (-torch.arange(0, d // 2, device=q.device) * (2.0 / d))
        cos, sin = torch.cos(angle)[:, None, :], torch.sin(angle)[:, None, :]

        def turned(x):
            a, b = x.float().chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)
        return turned(q), turned(k)

    return {
        "layer_norm": lambda x, g, b, **_: F.layer_norm(x, x.shape[-1:], g, b, 1e-5),
        "rms_norm": lambda x, g, **_: F.rms_norm(x, x.shape[-1:], g, 1e-5),
        "softmax": lambda x, **_: torch.softmax(x, -1),
        "gelu(x*w+b)+r": lambda x, g, b, r, **_: F.gelu(x * g + b, approximate="tanh") + r,
        "swiglu": lambda x, r, **_: F.silu(x) * r,
        "sum first": lambda x, **_: x.sum(0),
        "cross_entropy": lambda x, t, **_: F.cross_entropy(x, t),
        "bias_gelu": lambda x, b, **_: F.gelu(x + b, approximate="tanh"),
        "bias_dropout": lambda x, b, r, **_: F.dropout(x + b, 0.1) + r,
        "rope": rope,
        "cumsum": lambda x, **_: x.cumsum(-1),
        "cumsum of columns": lambda x, **_: x.cumsum(0),
        "sort": lambda x, **_: torch.sort(x, dim=-1, stable=True),
        "top_k 50": lambda x, **_: torch.topk(x, 50),
        "top_k 8": lambda x, **_: torch.topk(x, 8),
        "mlp": lambda x, w1, b1, w2, b2, **_: F.gelu(x @ w1 + b1, approximate="tanh") @ w2 + b2,
    }


def torch_rows(chosen):
    import torch
    functions = torch_functions()
    events = lambda: torch.cuda.Event(enable_timing=True)
    for name, which, shapes, wrt in chosen:
        f = functions[which]
        elements = sum(torch.Size(s).numel() for s in shapes.values())
        sets = sets_of(elements)
        def draw(k, s):
            return torch.randint(shapes["x"][-1], s, device="cuda") if k == "t" else torch.randn(s, device="cuda", dtype=torch.float32 if " of float" in name else torch.bfloat16)
        inputs = [{k: draw(k, s) for k, s in shapes.items()} for _ in range(sets)]

        def backward(arguments):
            dy = arguments["dy"]
            if which == "bias_dropout":  # the mask is what the forward pass keeps: drawn here anew, as in bench/gpu
                mask = torch.rand(dy.shape, device=dy.device) >= 0.1
                dx = dy * mask * (1 / 0.9)
                return dx, dx.sum(0)
            out, pull = torch.func.vjp(lambda *a: f(**{**arguments, **dict(zip(wrt, a))}), *[arguments[k] for k in wrt])
            grads = pull((dy[0], dy[1]) if which == "rope" else dy)
            return (out, grads) if "forward" in name else grads

        torch._dynamo.reset()
        g = torch.compile((lambda a: f(**a)) if wrt is None else backward, dynamic=False)
        for i in range(3):
            g(inputs[i % sets])
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            kept = [g(inputs[i % sets]) for i in range(max(sets, 8))]
        settle(name, graph.replay, torch.cuda.synchronize)
        times = []
        for _ in range(7):
            begin, end = events(), events()
            begin.record()
            graph.replay()
            end.record()
            torch.cuda.synchronize()
            times.append(1000 * begin.elapsed_time(end) / len(kept))
        yield name, "torch.compile", statistics.median(times)
        del kept, graph, inputs
        torch.cuda.empty_cache()


def torch_steps(only):
    """Optimizers, small steps and calls."""
    import torch
    import torch.nn.functional as F

    def wall(run, calls, rounds=7):
        for _ in range(10):
            run()
        times = []
        for _ in range(rounds):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for _ in range(calls):
                run()
            torch.cuda.synchronize()
            times.append(1e6 * (time.perf_counter() - begin) / calls)
        return statistics.median(times)

    if only("AdamW 124M"):
        parameters = [torch.nn.Parameter(torch.randn(s, device="cuda")) for s in gpt2_shapes()]
        for p in parameters:
            p.grad = torch.randn_like(p)
        optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.1, fused=True)
        yield "AdamW 124M", "torch eager", wall(optimizer.step, 20)
        optimizer = torch.optim.AdamW(parameters, lr=torch.tensor(1e-4, device="cuda"), weight_decay=0.1, capturable=True, foreach=True)
        step = torch.compile(lambda: optimizer.step(), fullgraph=False)
        yield "AdamW 124M", "torch.compile", wall(step, 20)
        del parameters, optimizer, step
        torch.cuda.empty_cache()
    if only("MLP 64x128x128x10 step, batch 64, replayed"):
        model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)).cuda()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        x, y = torch.randn(64, 64, device="cuda"), torch.arange(64, device="cuda") % 10

        def step():
            optimizer.zero_grad(set_to_none=False)
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        yield "MLP 64x128x128x10 step, batch 64, launched", "torch eager", wall(step, 200)
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            for _ in range(5):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        yield "MLP 64x128x128x10 step, batch 64, replayed", "torch eager", wall(graph.replay, 1000)

        loss_and_gradients = torch.compile(lambda: F.cross_entropy(model(x), y), mode="reduce-overhead")

        def compiled():
            optimizer.zero_grad(set_to_none=True)
            torch.compiler.cudagraph_mark_step_begin()
            loss_and_gradients().backward()
            optimizer.step()

        yield "MLP 64x128x128x10 step, batch 64, replayed", "torch.compile", wall(compiled, 200)
    if only("add of 16 floats, host's time of a call"):
        a, b = torch.randn(16, device="cuda"), torch.randn(16, device="cuda")
        add = torch.compile(lambda p, q: p + q)
        yield "add of 16 floats, host's time of a call", "torch eager", wall(lambda: a + b, 5000)
        yield "add of 16 floats, host's time of a call", "torch.compile", wall(lambda: add(a, b), 5000)


# ---- JAX
def jax_functions():
    import jax
    import jax.numpy as jnp

    def layer_norm(x, g, b, **_):
        w = x.astype(jnp.float32)
        d = w - w.mean(-1, keepdims=True)
        return (d * jax.lax.rsqrt((d * d).mean(-1, keepdims=True) + 1e-5) * g + b).astype(x.dtype)

    def rms_norm(x, g, **_):
        w = x.astype(jnp.float32)
        return (w * jax.lax.rsqrt((w * w).mean(-1, keepdims=True) + 1e-5) * g).astype(x.dtype)

    def rope(q, k, **_):
        d = q.shape[-1]
        angle = jnp.arange(q.shape[1], dtype=jnp.float32)[:, None] * 10000.0 ** (-jnp.arange(0, d // 2) * (2.0 / d))
        cos, sin = jnp.cos(angle)[:, None, :], jnp.sin(angle)[:, None, :]

        def turned(x):
            a, b = jnp.split(x.astype(jnp.float32), 2, -1)
            return jnp.concatenate((a * cos - b * sin, b * cos + a * sin), -1).astype(x.dtype)
        return turned(q), turned(k)

    def bias_dropout(x, b, r, key, **_):
        keep = jax.random.uniform(key, x.shape) >= 0.1
        return jnp.where(keep, (x + b) * jnp.bfloat16(1 / 0.9), 0) + r

    return {
        "layer_norm": layer_norm,
        "rms_norm": rms_norm,
        "softmax": lambda x, **_: jax.nn.softmax(x, -1),
        "gelu(x*w+b)+r": lambda x, g, b, r, **_: jax.nn.gelu(x * g + b, approximate=True) + r,
        "swiglu": lambda x, r, **_: jax.nn.silu(x) * r,
        "sum first": lambda x, **_: x.sum(0),
        "cross_entropy": lambda x, t, **_: -jnp.take_along_axis(jax.nn.log_softmax(x.astype(jnp.float32)), t[:, None], 1).mean().astype(x.dtype),
        "bias_gelu": lambda x, b, **_: jax.nn.gelu(x + b, approximate=True),
        "bias_dropout": bias_dropout,
        "rope": rope,
        "cumsum": lambda x, **_: jnp.cumsum(x, -1),
        "cumsum of columns": lambda x, **_: jnp.cumsum(x, 0),
        "sort": lambda x, **_: jax.lax.sort_key_val(x, jax.lax.broadcasted_iota(jnp.int32, x.shape, 1)),
        "top_k 50": lambda x, **_: jax.lax.top_k(x, 50),
        "top_k 8": lambda x, **_: jax.lax.top_k(x, 8),
        "mlp": lambda x, w1, b1, w2, b2, **_: jax.nn.gelu(x @ w1 + b1, approximate=True) @ w2 + b2,
    }


def jax_wall(run, calls, rounds=5):
    import jax
    for _ in range(3):
        jax.block_until_ready(run())
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(calls):
            out = run()
        jax.block_until_ready(out)
        times.append(1e6 * (time.perf_counter() - begin) / calls)
    return statistics.median(times)


def jax_rows(chosen):
    import jax
    import jax.numpy as jnp
    import math
    functions = jax_functions()
    for name, which, shapes, wrt in chosen:
        f = functions[which]
        sets = sets_of(sum(math.prod(s) for s in shapes.values()))
        keys = jax.random.split(jax.random.key(0), sets)
        def draw(key, k, s):
            return jax.random.randint(key, s, 0, shapes["x"][-1]) if k == "t" else jax.random.normal(key, s, jnp.float32 if " of float" in name else jnp.bfloat16)
        inputs = [{**{k: draw(key, k, s) for k, s in shapes.items()}, **({"key": key} if which == "bias_dropout" else {})} for key in keys]

        def backward(arguments):
            dy = arguments["dy"]
            out, pull = jax.vjp(lambda *a: f(**{**arguments, **dict(zip(wrt, a))}), *[arguments[k] for k in wrt])
            grads = pull((dy[0], dy[1]) if which == "rope" else dy)
            return (out, grads) if "forward" in name else grads

        g = jax.jit((lambda a: f(**a)) if wrt is None else backward)
        turn = iter(range(1 << 30))
        call = lambda: g(inputs[next(turn) % sets])
        settle(name, call, lambda: jax.block_until_ready(call()))
        yield name, "JAX", jax_wall(call, 30)
        del inputs


def jax_steps(only):
    import functools
    import jax
    import jax.numpy as jnp
    if only("AdamW 124M"):
        shapes = list(gpt2_shapes())
        keys = jax.random.split(jax.random.key(0), len(shapes))
        p, g = [[jax.random.normal(k, s) for k, s in zip(keys, shapes)] for _ in range(2)]
        m, v = [[jnp.zeros(s) for s in shapes] for _ in range(2)]

        @functools.partial(jax.jit, donate_argnums=(0, 2, 3, 4))
        def step(p, g, m, v, t, rate):
            t = t + 1
            c1, c2 = 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)
            m = [0.9 * a + 0.1 * b for a, b in zip(m, g)]
            v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g)]
            p = [a - rate * (b * c1 / (jnp.sqrt(c * c2) + 1e-8) + 0.1 * a) for a, b, c in zip(p, m, v)]
            return p, m, v, t
        held = [p, m, v, jnp.float32(0)]

        def run():
            held[0], held[1], held[2], held[3] = step(held[0], g, held[1], held[2], held[3], 1e-4)
            return held[3]
        yield "AdamW 124M", "JAX", jax_wall(run, 20)
        del held, p, g, m, v
    if only("MLP 64x128x128x10 step, batch 64, replayed"):
        sizes = ((64, 128), (128, 128), (128, 10))
        key = jax.random.key(0)
        p = [(jax.random.normal(key, s) * 0.1, jnp.zeros(s[1])) for s in sizes]
        x, y = jax.random.normal(key, (64, 64)), jnp.arange(64) % 10

        def loss(p):
            h = x
            for i, (w, b) in enumerate(p):
                h = h @ w + b
                h = jax.nn.relu(h) if i < 2 else h
            return -jnp.take_along_axis(jax.nn.log_softmax(h), y[:, None], 1).mean()

        @functools.partial(jax.jit, donate_argnums=(0, 1))
        def step(p, v):
            value, g = jax.value_and_grad(loss)(p)
            v = jax.tree.map(lambda a, b: 0.9 * a + b, v, g)
            return value, jax.tree.map(lambda a, b: a - 0.1 * b, p, v), v
        held = [jnp.float32(0), p, jax.tree.map(jnp.zeros_like, p)]

        def run():
            held[0], held[1], held[2] = step(held[1], held[2])
            return held[0]
        yield "MLP 64x128x128x10 step, batch 64, replayed", "JAX", jax_wall(run, 500)
    if only("add of 16 floats, host's time of a call"):
        a = jnp.ones(16)
        add = jax.jit(lambda p, q: p + q)
        yield "add of 16 floats, host's time of a call", "JAX", jax_wall(lambda: add(a, a), 5000)


def main():
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("--json", metavar="FILE", help="also write {case: {peer: microseconds}}")
    parse.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds this text")
    parse.add_argument("columns", nargs="*", type=int, default=[768, 4096, 16384])
    options = parse.parse_args()
    only = lambda name: options.only in name
    chosen = [c for n in options.columns for c in cases(n) if only(c[0])] + [c for c in other_cases() if only(c[0])]
    found = {}
    # One peer's mistake or lack of memory costs one case.
    for whole, rows in ((torch_steps, torch_rows), (jax_steps, jax_rows)):
        for measured in [lambda: whole(only)] + [lambda c=c: rows([c]) for c in chosen]:
            try:
                for name, peer, us in measured():
                    found.setdefault(name, {})[peer] = us
                    print(f"{name}: {peer} {us:.1f}", file=sys.stderr)
            except ImportError as e:
                print(e, file=sys.stderr)
                break
            except Exception as e:
                print(f"{type(e).__name__}: {e}", file=sys.stderr)
            if options.json:  # after each case: what is there is kept if this is stopped
                with open(options.json, "w") as f:
                    json.dump(found, f, indent=1)
    print("| case | " + " us | ".join(WAYS) + " us |\n|---|" + "---|" * len(WAYS))
    for name, row in found.items():
        print(f"| {name} | " + " | ".join(f"{row[p]:.1f}" if p in row else "" for p in WAYS) + " |")


if __name__ == "__main__":
    main()
