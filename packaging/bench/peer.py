"""CLIP's image tower with random weights in ONNX Runtime (f32 or int8) and PyTorch: photos a second, on two threads."""

import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from torch import nn

# width, depth, heads, patch, length of the embedding
SHAPES = {"vit_b_32": (768, 12, 12, 32, 512), "vit_b_16": (768, 12, 12, 16, 512), "vit_l_14": (1024, 24, 16, 14, 768)}
SIDE = 224
RUNS = 7


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, tokens, width = x.shape
        qkv = self.qkv(self.before_attention(x)).reshape(n, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        shares = (query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(-1)
        x = x + self.out((shares @ value).transpose(1, 2).reshape(n, tokens, width))
        inner = self.up(self.before_mlp(x))
        return x + self.down(inner * torch.sigmoid(1.702 * inner))


class Tower(nn.Module):
    def __init__(self, width, depth, heads, patch, dim):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch, bias=False)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn((SIDE // patch) ** 2 + 1, width))
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.projection = nn.Linear(width, dim, bias=False)

    def forward(self, pixels):
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.projection(self.after(self.blocks(self.before(x))[:, 0]))


def rate(run, n):
    """The median of photos a second."""
    run()
    rates = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        rates.append(n / (time.perf_counter() - started))
    return statistics.median(rates)


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def exported(name, folder):
    path = Path(folder) / f"{name}.onnx"
    if not path.exists():
        tower, pixels = Tower(*SHAPES[name]).eval(), torch.randn(2, 3, SIDE, SIDE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(tower, pixels, path, input_names=["x"], dynamic_axes={"x": {0: "n"}}, dynamo=False)
    return path


def quantised(name, folder):
    path = Path(folder) / f"{name}.int8.onnx"
    if not path.exists():
        quantize_dynamic(exported(name, folder), path)
    return path


def main(name, n, folder, threads=2):
    """Prints one line a peer: its name and photos a second. A name that ends in _int8 is that of the model in 8 bits."""
    n, is_int8, name = int(n), name.endswith("_int8"), name.removesuffix("_int8")
    pixels = np.random.randn(n, 3, SIDE, SIDE).astype(np.float32)
    path = quantised(name, folder) if is_int8 else exported(name, folder)
    tower = session(path, threads)
    print("onnxruntime", rate(lambda: tower.run(None, {"x": pixels}), n), flush=True)
    if is_int8:
        return
    torch.set_num_threads(threads)
    plain, given = Tower(*SHAPES[name]).eval(), torch.from_numpy(pixels)
    with torch.inference_mode():
        print("pytorch", rate(lambda: plain(given), n), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
