"""Moves the text tower, and the image tower's attention pool, until texts find their own photos: writes text_aligned.pt.

The image tower's stages stay as they are, so what they give for some views of each photo is computed once.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import data
import image_tower
import teacher
import text_tower
from teacher import unit

CAPTIONS, PHOTOS, NAMES = 384, 512, 256  # of a step
# Of the photos without captions, so that their features are there within minutes.
OTHERS = 12_000
REPORTS = 6


@torch.no_grad()
def last_maps(image, photos, rows, is_varied, batch=64):
    """What the attention pool gets, n x channels x 4 x 4; of the photos as they are, or of a varied view of each."""
    maps = []
    for start in range(0, len(rows), batch):
        pixels = image_tower.as_floats(photos, rows[start : start + batch])
        if is_varied:
            pixels = image_tower.augmented(pixels, torch.tensor([data.WHOLE] * len(pixels)), data.SIDE)
        with image_tower.in_bfloat16():
            maps.append(image_tower.stages_of(image, image_tower.normalised(pixels))[2].half())
    return torch.cat(maps)


class Seen:
    """Photos up to the pool, with what the teacher says of each: its vector, and how likely each class is."""

    def __init__(self, options, image, rows, varied=0):
        load = lambda name: torch.from_numpy(np.load(options.work_dir / f"{name}.npy", mmap_mode="r")[rows])
        photos = np.load(options.work_dir / "photos.npy", mmap_mode="r")
        self.rows, self.pool = rows, image.attnpool
        self.views = torch.stack([last_maps(image, photos, rows, view > 0) for view in range(1 + varied)])
        self.targets = load("targets")
        self.classes = load("logits").float().softmax(-1)[:, 1:].half()  # without the background

    def vectors(self, chosen):
        """Unit vectors of one view of each."""
        view = torch.randint(len(self.views), (len(chosen),))
        return unit(image_tower.attention_pool(self.pool, self.views[view, chosen].float()))

    def all_vectors(self):
        return torch.cat([self.vectors(part) for part in torch.arange(len(self.rows)).split(PHOTOS)])


class Captioned:
    """The captions of photos: `of[i]` are those of the i-th."""

    def __init__(self, found, rows):
        self.of = [[caption.rstrip(" .") for caption in found[row].captions] for row in rows]

    def some(self, chosen):
        return [self.of[i][np.random.randint(len(self.of[i]))] for i in chosen.tolist()]


def read(tower, reader, texts, part=96):
    """Vectors of texts; equal lengths are read together."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    parts = [tower(reader.ids([texts[i] for i in order[at : at + part]])) for at in range(0, len(order), part)]
    return torch.cat(parts)[torch.tensor(order).argsort()]


def names_loss(tower, reader, names, wanted, v, scale):
    """How differently photos choose among names that are likely for one of them, and some others.

    wanted: photos x names, how likely each is. Only a part of the names is read each time; what is likely beyond them counts
    for nothing.
    """
    likely = wanted.argmax(-1).unique()[:NAMES]
    candidates = torch.cat([likely, torch.randperm(len(names))[: NAMES - len(likely)]]).unique()
    phrases = [data.PHRASES[0].format(names[i]) for i in candidates.tolist()]
    chosen = (scale * v @ read(tower, reader, phrases).T).log_softmax(-1)
    wanted = wanted[:, candidates]
    return -(wanted * chosen).sum() / wanted.sum()


class Held:
    """The held-out sources, in the words of the tower itself."""

    def __init__(self, options, image, found):
        rows, _ = teacher.first_captions(found, lambda photo: photo.is_held_out)
        self.captions, self.captioned = [found[row].captions[0].rstrip(" .") for row in rows], Seen(options, image, rows)
        rows = [row for row, photo in enumerate(found) if photo.is_held_out and photo.label]
        self.named, self.names = Seen(options, image, rows), data.names(found)
        self.labels = torch.tensor([self.names.index(found[row].label) for row in rows])

    @torch.no_grad()
    def line(self, tower, reader):
        vectors = lambda texts: unit(text_tower.pooled_texts(tower, reader, texts) @ tower.text_projection)
        recall = teacher.recall(vectors(self.captions), self.captioned.all_vectors())
        scores = self.named.all_vectors() @ vectors([data.PHRASES[0].format(name) for name in self.names]).T
        ranks = (scores > scores.gather(1, self.labels[:, None])).sum(1)
        top = [round(100 * (ranks < k).float().mean().item(), 1) for k in (1, 5)]
        return f"held-out captions R@1/5/10 {recall}, names top-1/5 of {len(self.names)}: {top}"


class Alignment:
    """All that a step needs."""

    def __init__(self, options):
        self.options, found = options, data.photos(options.train_dir)
        self.reader = text_tower.Reader(options.work_dir)
        self.tower, image = text_tower.TextTower(), image_tower.new_tower()
        load = lambda name: torch.load(options.work_dir / name, map_location="cpu", weights_only=False)
        self.tower.load_state_dict(load(options.text)["tower"])
        image.load_state_dict(load("image.pt")["ema"])
        self.held = Held(options, image.eval(), found)
        rows, _ = teacher.first_captions(found, lambda photo: not photo.is_held_out)
        self.captions, self.captioned = Captioned(found, rows), len(rows)
        others = [row for row, p in enumerate(found) if not (p.captions or p.is_held_out or p.source == "tiny64")]
        others = sorted(np.random.choice(others, min(OTHERS, len(others)), replace=False).tolist())
        self.seen = Seen(options, image, rows + others, options.views)
        self.classes, self.names = list(text_tower.open_clip.IMAGENET_CLASSNAMES), data.names(found)
        row_of = {name: row for row, name in enumerate(self.names)}
        self.labels = torch.tensor([row_of.get(found[row].label, -1) for row in self.seen.rows])
        self.labelled = (self.labels >= 0).nonzero()[:, 0]
        self.texts = text_tower.Texts(options, self.reader).batches(text_tower.BATCH // 2)
        self.pool = image.attnpool
        self.log_scales = nn.Parameter(torch.tensor([3.0, 3.4]))  # among captions, among names
        print(f"{self.captioned} photos with captions, {len(others)} others, {len(self.labelled)} with labels", flush=True)

    def vectors(self, chosen):
        v = self.seen.vectors(chosen)
        return v, (1 - (v * self.seen.targets[chosen].float()).sum(-1)).mean()

    def loss(self):
        options, scales = self.options, self.log_scales.exp()
        chosen = torch.randperm(self.captioned)[:CAPTIONS]
        v, far = self.vectors(chosen)
        scores = scales[0] * read(self.tower, self.reader, self.captions.some(chosen)) @ v.T
        own = torch.arange(len(v))
        loss = options.captions * (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2

        chosen = torch.randperm(len(self.seen.rows))[:PHOTOS]
        v, far_too = self.vectors(chosen)
        loss = loss + options.classes * names_loss(
            self.tower, self.reader, self.classes, self.seen.classes[chosen].float(), v, scales[1]
        )
        chosen = self.labelled[torch.randperm(len(self.labelled))[:PHOTOS]]
        wanted = F.one_hot(self.labels[chosen], len(self.names)).float()
        v, _ = self.vectors(chosen)
        loss = loss + options.labels * names_loss(self.tower, self.reader, self.names, wanted, v, scales[1])

        # Neither may forget its teacher: most of what is asked for is in no caption and no name of these photos.
        ids, wanted = next(self.texts)
        hold = text_tower.sentence_loss(self.tower(ids), wanted) + (far + far_too) / 2
        return loss + options.hold * hold

    def report(self, minutes, steps):
        line = self.held.line(self.tower, self.reader)
        print(f"{minutes:5.1f} min, step {steps}: {line}", flush=True)


def align(options):
    alignment = Alignment(options)
    of_image = [*alignment.pool.parameters(), alignment.log_scales]
    optimizers = [*text_tower.optimizers(alignment.tower, options), torch.optim.AdamW(of_image, options.image_lr, weight_decay=0)]
    peaks = (options.muon_lr, options.lr, options.image_lr)
    started, steps, reports = time.monotonic(), 0, 0
    while True:
        progress = (time.monotonic() - started) / (60 * options.minutes)
        if progress * REPORTS >= reports:
            alignment.report(progress * options.minutes, steps)
            reports += 1
        if progress >= 1:
            break
        alignment.tower.train()
        with torch.autocast("cpu", torch.bfloat16):
            loss = alignment.loss()
        text_tower.apply(loss, optimizers, peaks, progress)
        steps += 1
    state = {"tower": alignment.tower.state_dict(), "pool": alignment.pool.state_dict()}
    text_tower.save(options.work_dir / "text_aligned.pt", **state, log_scale=alignment.log_scales[0].detach())


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("train_dir", type=Path)
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("--minutes", type=float, default=12)
    arguments.add_argument("--text", default="text.pt", help="what the text tower begins with; the pool begins with image.pt's")
    arguments.add_argument("--hold", type=float, default=3, help="weight of the teachers")
    arguments.add_argument("--captions", type=float, default=1, help="weight of captions and their photos")
    arguments.add_argument("--classes", type=float, default=1, help="weight of the classes that the MobileNet sees")
    arguments.add_argument("--labels", type=float, default=0.5, help="weight of the labels")
    arguments.add_argument("--views", type=int, default=1, help="varied views of each photo, beside the photo itself")
    arguments.add_argument("--lr", type=float, default=3e-4)
    arguments.add_argument("--muon-lr", type=float, default=0.002)
    arguments.add_argument("--image-lr", type=float, default=5e-4)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    np.random.seed(0)
    align(options)
