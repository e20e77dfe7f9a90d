"""Averages the weights of two runs of the image tower, of which one went on from the other: better than either, and no
slower (Wortsman et al. 2022, model soups). Writes image.pt of the work folder anew.
"""

import argparse
from pathlib import Path

import torch

import text_tower


def averaged(first, second, share):
    """Of two state dicts, `share` of the second; whole numbers are the second's."""
    mean = lambda name, tensor: first[name].lerp(tensor, share) if tensor.is_floating_point() else tensor
    return {name: mean(name, tensor) for name, tensor in second.items()}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("before", type=Path, help="image.pt of the run before")
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("--share", type=float, default=0.55, help="of the work folder's own")
    options = arguments.parse_args()
    load = lambda path: torch.load(path, map_location="cpu", weights_only=False)
    latest = load(options.work_dir / "image.pt")
    latest["ema"] = latest["tower"] = averaged(load(options.before)["ema"], latest["ema"], options.share)
    text_tower.save(options.work_dir / "image.pt", **latest)
