"""Photos enlarged to 12 megapixels, with the grain that a sensor has: what a telephone writes, in size and in detail."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

PIXELS = 12_000_000
# Standard deviation of the noise, in steps of 255: that of a small sensor in a room.
GRAIN = 4
# Of Pillow's scale up to 95: what telephones write.
QUALITY = 90


def main(source, target, count):
    """Writes `count` photos spread over the folder `source` into `target`."""
    paths = sorted(path for path in Path(source).rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    step = max(1, len(paths) // int(count))
    random = np.random.default_rng(0)
    for number, path in enumerate(paths[::step][: int(count)]):
        with Image.open(path) as photo:
            photo = photo.convert("RGB")
        scale = (PIXELS / (photo.width * photo.height)) ** 0.5
        size = [round(side * scale) for side in photo.size]
        pixels = np.asarray(photo.resize(size, Image.Resampling.BICUBIC), np.float32)
        pixels = np.clip(pixels + random.normal(0, GRAIN, pixels.shape), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(Path(target) / f"{number:03}.jpg", quality=QUALITY)


if __name__ == "__main__":
    main(*sys.argv[1:])
