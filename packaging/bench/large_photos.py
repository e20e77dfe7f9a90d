"""Photos enlarged to 12 megapixels, with the grain that a sensor has and a small preview in front: what a telephone
writes, in size and in detail.

    /tmp/peers/bin/python packaging/bench/large_photos.py FOLDER TARGET [COUNT] [turned]

With `turned` each photo comes once more, mirrored.
"""

import io
import struct
import sys
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

PIXELS = 12_000_000
# Standard deviation of the noise, in steps of 255: that of a small sensor in a room.
GRAIN = 4
# Of Pillow's scale up to 95: what telephones write.
QUALITY = 90


# Where a preview is looked for (Exif 2.32): a second directory with its kind, its place and its length.
PREVIEW_SIZE = (160, 120)
HEADER = struct.Struct("<2sHI HI H HHII HHII HHII I")


def exif(photo):
    """A block with the preview of `photo`, which lies or stands as it does, filled up with bars as cameras do."""
    size = PREVIEW_SIZE if photo.width >= photo.height else PREVIEW_SIZE[::-1]
    small, file = Image.new("RGB", size), io.BytesIO()
    preview = ImageOps.contain(photo, size)
    small.paste(preview, ((small.width - preview.width) // 2, (small.height - preview.height) // 2))
    small.save(file, "JPEG", quality=80)
    kind, place, length = (0x103, 3, 1, 6), (0x201, 4, 1, HEADER.size), (0x202, 4, 1, len(file.getvalue()))
    return b"Exif\0\0" + HEADER.pack(b"II", 42, 8, 0, 14, 3, *kind, *place, *length, 0) + file.getvalue()


# Laid over every photo, again and again: drawing it anew takes longer than the rest.
NOISE = np.random.default_rng(0).normal(0, GRAIN, 9_999_991).astype(np.int8)


def write(source, target, is_mirrored):
    with Image.open(source) as photo:
        photo = photo.convert("RGB")
    photo = ImageOps.mirror(photo) if is_mirrored else photo
    scale = (PIXELS / (photo.width * photo.height)) ** 0.5
    large = photo.resize([round(side * scale) for side in photo.size], Image.Resampling.BICUBIC)
    pixels = np.asarray(large, np.int16)
    pixels = np.clip(pixels + np.resize(NOISE, pixels.shape), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(target, quality=QUALITY, exif=exif(photo))


def main(source, target, count=None, turned=None):
    """Writes `count` photos spread over the folder `source` into `target`; all of them without a number."""
    paths = sorted(path for path in Path(source).rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    count = min(int(count or len(paths)), len(paths))
    chosen = paths[:: len(paths) // count][:count]
    photos = [(path, is_mirrored) for path in chosen for is_mirrored in ((False, True) if turned else (False,))]
    with Pool() as pool:
        pool.starmap(write, [(path, Path(target) / f"{at:05}.jpg", mirrored) for at, (path, mirrored) in enumerate(photos)])


if __name__ == "__main__":
    main(*sys.argv[1:])
