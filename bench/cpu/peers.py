#!/usr/bin/env python3
"""The cases of bench/cpu in JAX, on as many threads as the process may run on, by the names and through the questions of bench/cpu/timing.hpp.

    bench/cpu/peers.py --serve        # what bench/cpu/run.py starts
    bench/cpu/peers.py [TEXT]         # prints the microseconds of the cases whose names hold TEXT
"""
import functools
import math
import os
import sys
import time

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp

N = 4096


def draw(*shape):
    return jax.random.normal(jax.random.key(math.prod(shape)), shape)


def call(f, *arguments):
    """f, compiled, with results in fresh memory."""
    g = jax.jit(f)
    return lambda: jax.block_until_ready(g(*arguments))


def training(step, state, *arguments):
    """step(state, ...) -> (state, loss): the new state takes the memory of the old one."""
    g = jax.jit(step, donate_argnums=0)
    held = [state]

    def run():
        held[0], loss = g(held[0], *arguments)
        jax.block_until_ready((held[0], loss))
    return run


def call_donating(f, given, *arguments):
    """The result takes the memory of f's first argument, which it replaces."""
    g = jax.jit(f, donate_argnums=0)
    held = [given]

    def run():
        held[0] = jax.block_until_ready(g(held[0], *arguments))
    return run


def layer_norm(x, g, b=None):
    mean = x.mean(-1, keepdims=True)
    y = (x - mean) * jax.lax.rsqrt(jnp.square(x - mean).mean(-1, keepdims=True) + 1e-5) * g
    return y if b is None else y + b


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], -1).mean()


def adamw(p, g, s, rate, b2=0.999, decay=0.01, matrices_only=False):
    t = s["t"] + 1
    c1, c2 = 1 / (1 - 0.9 ** t), 1 / (1 - b2 ** t)
    m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, s["m"], g)
    v = jax.tree.map(lambda a, b: b2 * a + (1 - b2) * b * b, s["v"], g)

    def new(x, a, b):
        step = a * c1 / (jnp.sqrt(b * c2) + 1e-8)
        return x - rate * (step if matrices_only and x.ndim < 2 else step + decay * x)
    return jax.tree.map(new, p, m, v), {"t": t, "m": m, "v": v}


def fresh(p):
    zeros = lambda: jax.tree.map(jnp.zeros_like, p)
    return p, {"t": jnp.float32(0), "m": zeros(), "v": zeros()}


def chain(*shape):
    return call(lambda x, w, b, r: jax.nn.gelu(x * w + b) + r, draw(N, N), draw(*shape), draw(*shape), draw(N, N))


def layer_norm_backward():
    def f(x, g, b, ct):
        return jax.vjp(layer_norm, x, g, b)[1](ct)
    return call(f, draw(16384, 1024), draw(1024), draw(1024), draw(16384, 1024))


def optimizer():
    g = draw(2500, 4000)
    return training(lambda s, g, rate: (adamw(s[0], g, s[1], rate), rate), fresh(draw(2500, 4000)), g, 1e-3)


def mlp():
    sizes = ((784, 512), (512, 256), (256, 10))
    x, labels = draw(128, 784), jnp.arange(128) % 10

    def loss(p, x, labels):
        for i, (w, b) in enumerate(p):
            x = x @ w + b
            x = jax.nn.relu(x) if i < 2 else x
        return cross_entropy(x, labels)

    def step(s, x, labels, rate):
        value, g = jax.value_and_grad(loss)(s[0], x, labels)
        return adamw(s[0], g, s[1], rate), value
    return training(step, fresh([(0.05 * draw(*s), jnp.zeros(s[1])) for s in sizes]), x, labels, 1e-3)


def char_gpt():
    """examples/char_gpt: GPT-2's blocks without biases, the table of the tokens as last layer."""
    layers, heads, width, context, vocabulary, batch = 4, 4, 128, 128, 96, 16
    gains = lambda: (jnp.ones(width), jnp.zeros(width))
    block = lambda: {"norm1": gains(), "norm2": gains(), "q": 0.02 * draw(width, width), "k": 0.02 * draw(width, width), "v": 0.02 * draw(width, width),
                     "o": 0.02 * draw(width, width), "hidden": 0.02 * draw(width, 4 * width), "out": 0.02 * draw(4 * width, width)}
    p = {"tokens": 0.02 * draw(vocabulary, width), "positions": 0.02 * draw(context, width), "norm": gains(), "h": [block() for _ in range(layers)]}
    i = jnp.arange(batch * context).reshape(batch, context)

    def split(x):
        return x.reshape(batch, context, heads, width // heads).transpose(0, 2, 1, 3)

    def loss(p, tokens, targets):
        x = p["tokens"][tokens] + p["positions"]
        causal = jnp.tril(jnp.ones((context, context), bool))
        for b in p["h"]:
            y = layer_norm(x, *b["norm1"])
            scores = split(y @ b["q"]) @ split(y @ b["k"]).swapaxes(-1, -2) / math.sqrt(width // heads)
            attended = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf)) @ split(y @ b["v"])
            x = x + attended.transpose(0, 2, 1, 3).reshape(batch, context, width) @ b["o"]
            x = x + jax.nn.gelu(layer_norm(x, *b["norm2"]) @ b["hidden"]) @ b["out"]
        return cross_entropy(layer_norm(x, *p["norm"]) @ p["tokens"].T, targets)

    def step(s, tokens, targets, rate):
        value, g = jax.value_and_grad(loss)(s[0], tokens, targets)
        norm = jnp.sqrt(sum(jnp.square(a).sum() for a in jax.tree.leaves(g)))
        g = jax.tree.map(lambda a: a * jnp.minimum(1 / (norm + 1e-6), 1), g)
        return adamw(s[0], g, s[1], rate, 0.99, 0.1, True), (value, norm)
    return training(step, fresh(p), i * 31 % vocabulary, i * 17 % vocabulary, 1e-3)


CASES = {
    "x+r 16M floats": lambda: call(lambda x, r: x + r, draw(N, N), draw(N, N)),
    "gelu(x*w+b)+r 16M floats, w and b per column": lambda: chain(N),
    "gelu(x*w+b)+r 16M floats, w and b per column, r donated":
        lambda: call_donating(lambda r, x, w, b: jax.nn.gelu(x * w + b) + r, draw(N, N), draw(N, N), draw(N), draw(N)),
    "gelu(x*w+b)+r 16M floats, w and b full-size": lambda: chain(N, N),
    "softmax 16384x1024": lambda: call(jax.nn.softmax, draw(16384, 1024)),
    "softmax 4096x4096": lambda: call(jax.nn.softmax, draw(N, N)),
    "layer_norm forward 16384x1024": lambda: call(layer_norm, draw(16384, 1024), draw(1024), draw(1024)),
    "layer_norm backward 16384x1024": layer_norm_backward,
    "cross-entropy forward + backward 4096x10000": lambda: call(jax.value_and_grad(cross_entropy), draw(4096, 10000), jnp.arange(4096) * 31 % 10000),
    "AdamW 10M parameters": optimizer,
    "MLP 784-512-256-10, batch 128: a step of AdamW": mlp,
    "char_gpt, 4 layers of width 128, 16 x 128 tokens: a step": char_gpt,
}


@functools.cache
def made(name):
    run = CASES[name]()
    run()
    return run


def shortest(run, seconds=0.3):
    """As in timing.hpp."""
    times = []
    while len(times) < 3 or (len(times) < 10000 and sum(times) < seconds):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return 1e6 * min(times)


def main():
    names = list(CASES)
    if sys.argv[1:] == ["--serve"]:
        print("\n".join(names) + f"\nJAX {jax.__version__}\n", flush=True)
        for line in sys.stdin:
            print(shortest(made(names[int(line)])), 0, flush=True)
        return
    for name in names:
        if not sys.argv[1:] or sys.argv[1] in name:
            print(f"{name}: {shortest(made(name)):.1f}", flush=True)


if __name__ == "__main__":
    main()
