"""Measures on photos that no step of the recipe has seen: captions to photos, and photos to names.

Three rows: the teacher, the image tower with the sentence encoder's own text vectors, and the exported model.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

import data
import export
import image_tower
import teacher
import text_tower
from teacher import unit


def table(folder):
    """The rows of an index.tsv, each with its photo's path."""
    with open(folder / "index.tsv", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row | {"path": folder / row["path"]} for row in rows]


def squashed(rows, side):
    return np.stack([data.squashed(row["path"].read_bytes(), side) for row in rows])


class Teacher:
    def __init__(self, options, sentences):
        self.mobilenet = teacher.MobileNet(options.teachers_dir / "mobilenet_edgetpu_224_1.0_uint8.tflite", options.threads)
        self.head = teacher.Head(torch.zeros(teacher.CLASSES), torch.ones(teacher.CLASSES)).eval()
        self.head.load_state_dict(torch.load(options.work_dir / "head.pt"))
        self.classes = torch.from_numpy(np.load(options.work_dir / "classes.npy")).float()
        self.texts = lambda texts: torch.from_numpy(sentences.vectors(texts))

    def photos(self, rows):
        pixels = squashed(rows, 224)
        parts = [self.mobilenet.logits(pixels[i : i + 16]) for i in range(0, len(pixels), 16)]
        return teacher.teacher_vectors(torch.from_numpy(np.concatenate(parts)), self.head, self.classes)


class Student:
    """The image tower of the checkpoint, before anything was aligned."""

    def __init__(self, options, sentences):
        self.tower = image_tower.new_tower()
        self.tower.load_state_dict(torch.load(options.work_dir / "image.pt", map_location="cpu", weights_only=False)["ema"])
        self.texts = lambda texts: torch.from_numpy(sentences.vectors(texts))

    def photos(self, rows):
        return image_tower.embed(self.tower, squashed(rows, data.SIDE), range(len(rows)))


class Exported:
    """The folder as open_clip reads it."""

    def __init__(self, options):
        self.clip = export.load(options.model_dir)
        self.reader = text_tower.Reader(options.model_dir)
        self.reader.tokenizer.enable_padding(pad_id=0, pad_token="!", length=text_tower.CONTEXT)

    def texts(self, texts):
        return unit(self.clip.encode_text(self.reader.ids(texts)))

    def photos(self, rows):
        pixels = torch.from_numpy(squashed(rows, data.SIDE)).permute(0, 3, 1, 2).float() / 255
        return unit(torch.cat([self.clip.encode_image(part) for part in image_tower.normalised(pixels).split(64)]))


def names_top(model, rows, ks):
    """In percent: how often the class of the photo is among the first k names."""
    names = sorted({row["class"] for row in rows})
    scores = model.photos(rows) @ model.texts([f"a photo of a {name.lower()}" for name in names]).T
    right = torch.tensor([names.index(row["class"]) for row in rows])
    ranks = (scores > scores.gather(1, right[:, None])).sum(1)
    return [round(100 * (ranks < k).float().mean().item(), 1) for k in ks]


@torch.inference_mode()
def figures(model, photos_dir):
    coco = table(photos_dir / "coco_mini")
    captions = [row["captions(|-separated)"].split("|")[0] for row in coco]
    recall = teacher.recall(model.texts(captions), model.photos(coco))
    imagenet = names_top(model, table(photos_dir / "imagenet_sample"), (1, 5))
    clothing = names_top(model, table(photos_dir / "clothing"), (1,))
    return [*recall, *imagenet, *clothing]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("photos_dir", type=Path, help="shared/data/photos")
    arguments.add_argument("teachers_dir", type=Path)
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("model_dir", type=Path)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    sentences = teacher.Sentences()
    print("| | captions R@1 | R@5 | R@10 | 200 names top-1 | top-5 | clothing top-1 |\n|---|---|---|---|---|---|---|")
    for name, model in {
        "teacher": lambda: Teacher(options, sentences),
        "image tower, sentence encoder": lambda: Student(options, sentences),
        "exported model": lambda: Exported(options),
    }.items():
        print(f"| {name} |", " | ".join(map(str, figures(model(), options.photos_dir))), "|", flush=True)
