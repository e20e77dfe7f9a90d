"""The photos, names and captions of the training folder; photos are decoded once into one array of 128 x 128."""

import argparse
import csv
import io
import lzma
import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 128
LISTS = ("captioned.tsv", "labelled.tsv", "tiny64.tsv")
# Whole sources are held out: captions by the first, names by the second.
HELD_OUT = ("coco_captions", "imagenet_sample")
PHRASES = ("a photo of a {}", "{}", "a picture of the {}")

COLOURS = "red orange yellow green blue purple pink brown black white grey golden silver beige dark bright".split()
COUNTS = "one two three four five six seven several many some".split()
PLACES = (
    "on a table", "in the snow", "on the beach", "in the grass", "in a kitchen", "on the street", "in the water", "at night",
    "in the forest", "on a white background", "in a box", "in the sky", "indoors", "outdoors", "at sunset", "on the floor",
    "next to a window", "under a tree", "in front of a building", "in a field", "in the rain", "on a shelf", "in a hand",
)
SENTENCES = (
    "a {colour} {name}", "a {name} {place}", "{count} {name}s", "a {name} and a {other}", "no {name}", "a {name} without a {other}",
    "{colour} {name} {place}", "a {colour} {name} next to a {colour2} {other}", "a close-up of a {name}", "a small {name} {place}",
    "{count} {colour} {name}s {place}", "a person with a {name}", "a broken {name}", "a {name} but no {other}", "{name} {other}",
    "an old {name}", "a drawing of a {name}", "a scratch on a {name}", "a dirty {colour} {name}",
)


@dataclass
class Photo:
    zip: str
    name: str
    source: str
    label: str
    captions: list[str]

    @property
    def is_held_out(self):
        return self.source in HELD_OUT


def photos(train_dir):
    """Every photo of the training folder, in the order of all arrays of the recipe."""
    found = []
    for name in LISTS:
        with open(Path(train_dir) / name, newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                captions = [c.strip() for c in (row["captions"] or "").split("|") if c.strip()]
                found.append(Photo(row["zip"], row["name"], row["set"], row["label"].strip(), captions))
    return found


def names(found):
    """The names of the labels, sorted."""
    return sorted({photo.label for photo in found if photo.label})


def captions(train_dir):
    """The captions that come without photos, shuffled: any beginning of the list is a fair sample."""
    with lzma.open(Path(train_dir) / "captions.txt.xz", "rt") as lines:
        found = [line.strip() for line in lines if line.strip()]
    random.Random(0).shuffle(found)
    return found


def phrases(names, count=24_000):
    """Every name in every phrase, then sentences of colours, counts, places and what is not there."""
    chance = random.Random(0)
    found = [phrase.format(name) for name in names for phrase in PHRASES]
    for _ in range(count):
        words = {"name": chance.choice(names), "other": chance.choice(names), "place": chance.choice(PLACES)}
        words |= {"colour": chance.choice(COLOURS), "colour2": chance.choice(COLOURS), "count": chance.choice(COUNTS)}
        found.append(chance.choice(SENTENCES).format(**words))
    return found


WHOLE = (0.0, 0.0, 1.0, 1.0)
PARTS = 2  # of each photo, which the teacher sees one by one


def crop_box(row, part=0):
    """A part of photo `row` that the teacher saw on its own, left, top, right and bottom in 0..1: the same in every run."""
    chance = random.Random(row + part * 1_000_003)
    width, height = (chance.uniform(0.5, 0.85) for _ in range(2))
    left, top = chance.uniform(0, 1 - width), chance.uniform(0, 1 - height)
    return left, top, left + width, top + height


def squashed(encoded, side, box=WHOLE):
    """The photo, or the part in the box, as side x side RGB, whatever its shape."""
    image = Image.open(io.BytesIO(encoded)).convert("RGB")
    pixels = tuple(part * extent for part, extent in zip(box, image.size * 2))
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=pixels))


def each_squashed(train_dir, found, side, start=0, box_of=lambda row: WHOLE):
    """Decodes the photos from `start` on, one after the other."""
    archives = {}
    for row, photo in enumerate(found[start:], start):
        if photo.zip not in archives:
            archives[photo.zip] = zipfile.ZipFile(Path(train_dir) / photo.zip)
        yield squashed(archives[photo.zip].read(photo.name), side, box_of(row))


def pack(train_dir, work_dir):
    found = photos(train_dir)
    shape = (len(found), SIDE, SIDE, 3)
    packed = np.lib.format.open_memmap(Path(work_dir) / "photos.npy", "w+", np.uint8, shape)
    for row, pixels in enumerate(each_squashed(train_dir, found, SIDE)):
        packed[row] = pixels
        if row % 5000 == 0:
            print(f"decoded {row} of {len(found)}", flush=True)
    packed.flush()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("train_dir")
    arguments.add_argument("work_dir")
    options = arguments.parse_args()
    Path(options.work_dir).mkdir(parents=True, exist_ok=True)
    pack(options.train_dir, options.work_dir)
