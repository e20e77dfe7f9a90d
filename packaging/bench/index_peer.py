"""A folder of photos through Pillow, CLIP's preprocessing and ONNX Runtime: photos a second, thumbnails left out.

One thread after the other (as most scripts do), with decoding beside the model on threads of its own, and that with
JPEGs decoded no larger than is needed, as Sightline does.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from peer import SIDE, exported, quantised, session

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
BATCH = 16


def pixels(path, is_reduced=False):
    """What open_clip's transform gives, [3, 224, 224]: the shorter side to 224 (bicubic), the middle, normalised."""
    with Image.open(path) as photo:
        if is_reduced:
            photo.draft("RGB", (2 * SIDE, 2 * SIDE))
        photo = ImageOps.exif_transpose(photo.convert("RGB"))
    scale = SIDE / min(photo.size)
    photo = photo.resize([max(SIDE, round(side * scale)) for side in photo.size], Image.Resampling.BICUBIC)
    left, top = (photo.width - SIDE) // 2, (photo.height - SIDE) // 2
    photo = photo.crop((left, top, left + SIDE, top + SIDE))
    return ((np.asarray(photo, np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)


def indexed(paths, tower, decoded):
    """Unit vectors, [photos, numbers]."""
    vectors = []
    batch = []
    for picture in decoded(paths):
        batch.append(picture)
        if len(batch) == BATCH:
            vectors.append(tower.run(None, {"x": np.stack(batch)})[0])
            batch = []
    if batch:
        vectors.append(tower.run(None, {"x": np.stack(batch)})[0])
    vectors = np.concatenate(vectors)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rate(paths, tower, decoded, folder):
    """Photos a second, from files to a file of vectors."""
    started = time.perf_counter()
    np.save(Path(folder) / "vectors.npy", indexed(paths, tower, decoded))
    return len(paths) / (time.perf_counter() - started)


def main(name, photos, folder, threads=2):
    """Prints one line a way of working: its name and photos a second."""
    threads = int(threads)
    paths = sorted(Path(photos).iterdir())
    export = quantised if name.endswith("_int8") else exported
    tower = session(export(name.removesuffix("_int8"), folder), threads)
    tower.run(None, {"x": np.zeros((BATCH, 3, SIDE, SIDE), np.float32)})
    print("pillow+onnxruntime", rate(paths, tower, lambda these: map(pixels, these), folder), flush=True)
    with ThreadPoolExecutor(threads) as pool:
        threaded = rate(paths, tower, lambda these: pool.map(pixels, these), folder)
        reduced = rate(paths, tower, lambda these: pool.map(pixels, these, [True] * len(these)), folder)
    print("pillow+onnxruntime, threads", threaded, flush=True)
    print("pillow+onnxruntime, threads, reduced", reduced, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
