"""The image tower learns the teacher's vectors from photos: open_clip's ModifiedResNet, small pictures first.

Goes on from image.pt when it is there; `--restart` keeps its weights and begins a new schedule of `--minutes`
(of processor time, divided by the threads; on a graphics card, with `--device cuda`, by the clock).
"""

import argparse
import copy
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch
from open_clip.modified_resnet import ModifiedResNet
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import data
import teacher
from teacher import unit

WIDTH, LAYERS = 32, [2, 2, 3, 2]
BATCH = 256
# Up to this share of the schedule, pictures of this side. Small ones teach more a minute.
SIDES = ((0.45, 64), (0.85, 96), (1.01, data.SIDE))
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BANK_SCALE = 30
BANK_CAPTIONS = 2048
NAMES_SCALE = 40
BLENDED, PASTED = 0.25, 0.3  # shares of the photos that are mixed with another one
DENSE_PHOTOS, DENSE_EVERY, DENSE_WEIGHT = 24, 4, 0.5
LOGITS_WEIGHT = 0.5
EMA = 0.998
CHECKPOINT_SECS, VALIDATE_SECS = 180, 480


def on_device(tensor):
    """Where the tower is: `--device` makes that torch's default."""
    return tensor.to(torch.get_default_device())


def in_bfloat16():
    """Products in bfloat16."""
    return torch.autocast(torch.get_default_device().type, torch.bfloat16)


def new_tower():
    tower = ModifiedResNet(LAYERS, 384, WIDTH * 32 // 64, data.SIDE, WIDTH)
    return tower.to(memory_format=torch.channels_last)


def attention_pool(pool, x):
    """The same numbers as open_clip's, for the one query that is used, and for a grid of any side.

    With one query it is cheaper to take the query to the places through the keys' weights, and to project what was looked
    at only after it is added up, than to compute a key and a value of every place. The keys' bias changes no choice.
    """
    side = x.shape[-1]
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([x.mean(1, keepdim=True), x], 1)
    first, grid = pool.positional_embedding[:1], pool.positional_embedding[1:]
    trained = int(len(grid) ** 0.5)
    if side != trained:
        grid = grid.T.reshape(1, -1, trained, trained)
        grid = F.interpolate(grid, (side, side), mode="bilinear", align_corners=False)[0].flatten(1).T
    x = x + torch.cat([first, grid])
    heads = pool.num_heads
    query = pool.q_proj(x[:, 0]).unflatten(-1, (heads, -1))
    asked = torch.einsum("nhd,hdc->nhc", query, pool.k_proj.weight.unflatten(0, (heads, -1)))
    looks = (asked @ x.transpose(1, 2) * query.shape[-1] ** -0.5).softmax(-1)
    value = torch.einsum("nhc,hdc->nhd", looks.to(x.dtype) @ x, pool.v_proj.weight.unflatten(0, (heads, -1)))
    return pool.c_proj(value.flatten(1) + pool.v_proj.bias)


def vectors_and_stages(tower, pixels):
    """Unit vectors, and the maps at 1/8, 1/16 and 1/32."""
    stages = stages_of(tower, pixels)
    return unit(attention_pool(tower.attnpool, stages[2])), stages


def stages_of(tower, pixels):
    eighth = tower.layer2(tower.layer1(tower.stem(pixels)))
    sixteenth = tower.layer3(eighth)
    return [eighth, sixteenth, tower.layer4(sixteenth)]


def normalised(pixels):
    """Photos in 0..1 as the tower takes them."""
    shape = (1, 3, 1, 1)
    return ((pixels - torch.tensor(MEAN).view(shape)) / torch.tensor(STD).view(shape)).contiguous(memory_format=torch.channels_last)


def as_floats(photos, rows):
    """The packed photos of these rows as n x 3 x side x side in 0..1."""
    return on_device(torch.from_numpy(photos[rows])).permute(0, 3, 1, 2).float() / 255


def views(boxes):
    """Which part of each photo is seen, as affine maps, n x 2 x 3: nearly all of its box, or its mirror image."""
    n = len(boxes)
    extent = 0.85 + 0.15 * torch.rand(n, 2)
    offset = (1 - extent) * (2 * torch.rand(n, 2) - 1)
    size = boxes[:, 2:] - boxes[:, :2]
    centre = boxes[:, :2] + boxes[:, 2:] - 1 + offset * size  # in -1..1, as affine_grid counts
    extent = extent * size
    flip = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    zero = torch.zeros(n)
    return torch.stack([extent[:, 0] * flip, zero, centre[:, 0], zero, extent[:, 1], centre[:, 1]], 1).view(n, 2, 3)


def augmented(pixels, boxes, side):
    """The parts in the boxes at side x side; flipped, brighter, darker, sharper."""
    n = len(pixels)
    if side * 3 // 2 < pixels.shape[-1]:
        pixels = F.interpolate(pixels, (side * 3 // 2, side * 3 // 2), mode="bilinear", antialias=True)
    grid = F.affine_grid(views(boxes), (n, 3, side, side), align_corners=False)
    pixels = F.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    # The training photos were enlarged and are soft; photos of the user are sharp.
    pixels = pixels + torch.rand(n, 1, 1, 1) * (pixels - F.avg_pool2d(pixels, 3, 1, 1, count_include_pad=False))
    contrast, brightness = 0.7 + 0.6 * torch.rand(n, 1, 1, 1), 0.3 * torch.rand(n, 1, 1, 1) - 0.15
    return ((pixels - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)


def mixed(pixels, target, logits):
    """Some photos blended with another one of the batch, or with a part of it pasted in; what the teacher said of both is
    blended alike (Zhang et al. 2018, mixup; Yun et al. 2019, CutMix)."""
    n, side = len(pixels), pixels.shape[-1]
    other, chance = torch.randperm(n), torch.rand(n)
    share = 0.5 * torch.rand(n) * (chance < BLENDED + PASTED)
    extent = share.sqrt()[:, None] * side
    corner = torch.rand(n, 2) * (side - extent)
    place = torch.arange(side)
    inside = (place >= corner[..., None]) & (place < (corner + extent)[..., None])
    pasted = (inside[:, 0, :, None] & inside[:, 1, None, :]).float()
    weight = torch.where((chance < BLENDED)[:, None, None], share[:, None, None], pasted)
    part = weight.mean((1, 2))[:, None]
    pixels = pixels.lerp(pixels[other], weight[:, None]).contiguous(memory_format=torch.channels_last)
    return pixels, unit(target.lerp(target[other], part)), logits.lerp(logits[other], part)


def teacher_loss(v, target, bank):
    """1 - cosine, and how differently student and teacher choose among the sentences of the bank."""
    wanted = (BANK_SCALE * target @ bank.T).log_softmax(-1)
    given = (BANK_SCALE * v @ bank.T).log_softmax(-1)
    return (1 - (v * target).sum(-1)).mean() + F.kl_div(given, wanted, log_target=True, reduction="batchmean")


def names_loss(v, target, names):
    """How differently both choose among the names alone: among captions they drown."""
    wanted = (NAMES_SCALE * target @ names.T).log_softmax(-1)
    given = (NAMES_SCALE * v @ names.T).log_softmax(-1)
    return F.kl_div(given, wanted, log_target=True, reduction="batchmean")


def logits_loss(head, last, logits):
    """1 - cosine between the MobileNet's standardised logits and what a linear layer reads from the last stage."""
    return (1 - F.cosine_similarity(head(last.mean((2, 3))).float(), logits)).mean()


def dense_loss(heads, stages, wanted):
    """1 - cosine at every place of both maps."""
    return sum((1 - F.cosine_similarity(head(x).float(), y.float())).mean() for head, x, y in zip(heads, stages, wanted))


def orthogonal(gradient, steps=5):
    """The nearest semi-orthogonal matrix by Newton-Schulz (Jordan et al. 2024, Muon)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = gradient.bfloat16()
    x = x.T if gradient.shape[0] > gradient.shape[1] else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if gradient.shape[0] > gradient.shape[1] else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal; for convolutions."""

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                mean = state.setdefault("mean", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - group["momentum"])
                flat = parameter.grad.lerp(mean, group["momentum"]).flatten(1)
                update = orthogonal(flat) * max(1, flat.shape[0] / flat.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update.view_as(parameter), alpha=-group["lr"])


def optimizers(tower, heads, options):
    """Muon for the convolutions after the first, AdamW for the rest; only matrices decay."""
    convolutions = [p for name, p in tower.named_parameters() if p.ndim == 4 and name != "conv1.weight"]
    chosen = {id(p) for p in convolutions}
    rest = [p for p in [*tower.parameters(), *heads.parameters()] if id(p) not in chosen]
    groups = [
        {"params": [p for p in rest if p.ndim > 1], "weight_decay": 0.05},
        {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [Muon(convolutions, options.muon_lr, weight_decay=0.02), torch.optim.AdamW(groups, options.lr, betas=(0.9, 0.98))]


def rate(progress):
    """Warm-up, then a cosine."""
    return min(1, progress / 0.02) * 0.5 * (1 + np.cos(np.pi * min(1, progress)))


class Training:
    """All that a checkpoint holds, and one step of it."""

    def __init__(self, options):
        self.options = options
        self.tower, self.ema = new_tower(), new_tower().eval()
        self.ema.load_state_dict(self.tower.state_dict())
        self.heads = nn.ModuleList([nn.Conv2d(WIDTH * 8, 512, 1), nn.Conv2d(WIDTH * 16, 1024, 1), nn.Linear(WIDTH * 32, teacher.CLASSES)])
        self.optimizers = optimizers(self.tower, self.heads, options)
        self.step_count, self.seen, self.elapsed = 0, 0, 0.0
        # A graphics card waits for Python otherwise; on processors it brings nothing.
        self.forward = torch.compile(vectors_and_stages) if options.device == "cuda" else vectors_and_stages
        self.path = options.work_dir / "image.pt"
        if self.path.exists():
            self.load(torch.load(self.path, map_location=torch.get_default_device(), weights_only=False))
        elif options.start_from:
            self.adopt(load_file(options.start_from / "open_clip_model.safetensors"))

    def adopt(self, exported):
        """Begins with an exported model's tower; the heads, which are not exported, begin anew."""
        state = {name.removeprefix("visual."): tensor for name, tensor in exported.items() if name.startswith("visual.")}
        self.tower.load_state_dict(state)
        self.ema.load_state_dict(state)

    def load(self, saved):
        for name in ("tower", "ema", "heads"):
            getattr(self, name).load_state_dict(saved[name], strict=name != "heads")
        self.seen = saved["seen"]
        if self.options.restart:
            return
        self.step_count, self.elapsed = saved["step_count"], saved["elapsed"]
        for optimizer, state in zip(self.optimizers, saved["optimizers"]):
            optimizer.load_state_dict(state)

    def save(self):
        state = {name: getattr(self, name).state_dict() for name in ("tower", "ema", "heads")}
        state |= {"seen": self.seen, "step_count": self.step_count, "elapsed": self.elapsed}
        state["optimizers"] = [optimizer.state_dict() for optimizer in self.optimizers]
        torch.save(state, self.path.with_suffix(".tmp"))
        os.replace(self.path.with_suffix(".tmp"), self.path)

    @property
    def progress(self):
        return self.elapsed / (60 * self.options.minutes)

    @property
    def side(self):
        return max(self.options.least_side, next(side for until, side in SIDES if self.progress < until))

    def step(self, pixels, target, logits, bank, dense_teacher):
        for optimizer, peak in zip(self.optimizers, (self.options.muon_lr, self.options.lr)):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate(self.progress)
        with in_bfloat16():
            v, stages = self.forward(self.tower, pixels)
            shown = teacher_loss(v, target, bank)
            loss = shown + LOGITS_WEIGHT * logits_loss(self.heads[2], stages[2], logits)
            if self.options.names:
                loss = loss + self.options.names * names_loss(v, target, bank[:1000])
            if dense_teacher and self.step_count % DENSE_EVERY == 0:
                wanted = dense_teacher.stages(pixels[:DENSE_PHOTOS])
                loss = loss + DENSE_WEIGHT * dense_loss(self.heads[:2], [x[:DENSE_PHOTOS] for x in stages], wanted)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step_count += 1
        self.seen += len(pixels)
        self.average()
        return shown.item(), (v * target).sum(-1).mean().item()

    @torch.no_grad()
    def average(self):
        decay = min(EMA, (1 + self.step_count) / (10 + self.step_count))
        for mine, current in zip(self.ema.state_dict().values(), self.tower.state_dict().values()):
            mine.lerp_(current, 1 - decay) if mine.is_floating_point() else mine.copy_(current)


@torch.inference_mode()
def embed(tower, photos, rows, batch=64):
    tower.eval()
    parts = [normalised(as_floats(photos, rows[i : i + batch])) for i in range(0, len(rows), batch)]
    with in_bfloat16():
        return torch.cat([vectors_and_stages(tower, part)[0] for part in parts])


class Validation:
    """The held-out sources: captions to photos, and photos to names, with the sentence encoder's own vectors."""

    def __init__(self, work_dir, found, photos):
        self.photos = photos
        load = lambda name: on_device(torch.from_numpy(np.load(work_dir / f"{name}.npy"))).float()
        self.caption_photos, captions = teacher.first_captions(found, lambda photo: photo.is_held_out)
        self.texts = load("photo_captions")[[of[0] for of in captions]]
        self.names = load("names")
        name_row = {name: row for row, name in enumerate(data.names(found))}
        self.named_photos = [row for row, photo in enumerate(found) if photo.is_held_out and photo.label]
        self.labels = torch.tensor([name_row[found[row].label] for row in self.named_photos])

    def line(self, tower):
        recall = teacher.recall(self.texts, embed(tower, self.photos, self.caption_photos))
        found = (embed(tower, self.photos, self.named_photos) @ self.names.T).argmax(-1)
        top1 = 100 * (found == self.labels).float().mean().item()
        return f"held-out captions R@1/5/10 {recall}, names top-1 of {len(self.names)}: {top1:.1f}"


def batches(allowed):
    """Rows for ever, each photo once an epoch."""
    while True:
        for rows in torch.randperm(len(allowed), device="cpu").split(BATCH):
            if len(rows) == BATCH:
                yield np.sort(allowed[rows.numpy()])


class Taught:
    """What the teacher said of each whole photo and of some parts of each."""

    def __init__(self, work_dir, count):
        load = lambda name: on_device(torch.from_numpy(np.load(work_dir / f"{name}.npy")))
        parts = range(data.PARTS)
        boxes = [[data.WHOLE] * count] + [[data.crop_box(row, part) for row in range(count)] for part in parts]
        self.boxes = torch.tensor(boxes)
        self.targets = torch.stack([load("targets")] + [load(f"crop_targets{part}") for part in parts])
        self.logits = torch.stack([load("logits")] + [load(f"crop_logits{part}") for part in parts])
        whole = self.logits[0].float()
        self.mean, self.std = whole.mean(0), whole.std(0)

    def pick(self, rows):
        """Boxes, vectors and standardised logits of each photo, half of them whole, half a part."""
        part = 1 + torch.randint(data.PARTS, (len(rows),))
        which, rows = part * (torch.rand(len(rows)) < 0.5), on_device(torch.from_numpy(rows))
        logits = (self.logits[which, rows].float() - self.mean) / self.std
        return self.boxes[which, rows], self.targets[which, rows].float(), logits


def train(options):
    found = data.photos(options.train_dir)
    photos = np.load(options.work_dir / "photos.npy", mmap_mode="r")
    taught = Taught(options.work_dir, len(found))
    is_kept = np.array([not photo.is_held_out for photo in found])
    load = lambda name: on_device(torch.from_numpy(np.load(options.work_dir / f"{name}.npy"))).float()
    fixed_bank, captions = torch.cat([load("classes")[1:], load("names")]), load("photo_captions")
    validation = Validation(options.work_dir, found, photos)
    dense_teacher = teacher.ResNet50v2(options.teachers_dir / "resnet50v2_stage1-3.safetensors")
    training = Training(options)
    torch.manual_seed(training.seen)
    print(f"{is_kept.sum()} photos, from {training.elapsed / 60:.1f} of {options.minutes} minutes", flush=True)

    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    # Processor time: a run that shares its cores with other work still gets its whole schedule. A card
    # works while Python waits, so processor time says nothing there.
    clock = time.monotonic if options.device == "cuda" else lambda: time.process_time() / options.threads
    last = saved = validated = logged = clock()
    losses = []
    for rows in batches(np.flatnonzero(is_kept)):
        bank = torch.cat([fixed_bank, captions[torch.randint(len(captions), (BANK_CAPTIONS,))]])
        boxes, target, logits = taught.pick(rows)
        pixels = normalised(augmented(as_floats(photos, rows), boxes, training.side))
        # The last and largest pictures are seen as they are, as the user's will be.
        if options.mix and training.side < data.SIDE:
            pixels, target, logits = mixed(pixels, target, logits)
        losses.append(training.step(pixels, target, logits, bank, dense_teacher))
        now = clock()
        training.elapsed, last = training.elapsed + now - last, now
        is_over = training.progress >= 1 or training.step_count == options.steps
        if now - logged > options.log_secs or is_over:
            loss, cosine = np.mean(losses, 0)
            speed = BATCH * len(losses) / (now - logged)
            print(
                f"{training.elapsed / 60:6.1f} min, step {training.step_count}, {training.seen} photos, "
                f"{training.side} px, {speed:.0f}/s: loss {loss:.3f}, cosine {cosine:.3f}",
                flush=True,
            )
            logged, losses = now, []
        if now - saved > CHECKPOINT_SECS or is_over or stopped:
            training.save()
            saved = now
        if now - validated > VALIDATE_SECS or is_over:
            print(validation.line(training.ema), flush=True)
            validated = now
        if is_over or stopped:
            return


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("train_dir", type=Path)
    arguments.add_argument("teachers_dir", type=Path)
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("--minutes", type=float, default=150)
    arguments.add_argument("--steps", type=int, help="stop after so many, for a trial")
    arguments.add_argument("--restart", action="store_true")
    arguments.add_argument("--start-from", type=Path, help="an exported model's folder, where there is no image.pt yet")
    arguments.add_argument("--least-side", type=int, default=64, help="a --restart has no need of the smallest pictures")
    arguments.add_argument("--lr", type=float, default=1.5e-3)
    arguments.add_argument("--muon-lr", type=float, default=0.02)
    arguments.add_argument("--names", type=float, default=0, help="weight of the choice among names alone")
    arguments.add_argument("--mix", action="store_true", help="mix photos: for those that have been seen often")
    arguments.add_argument("--log-secs", type=float, default=60)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    if options.device != "cpu":
        torch.set_default_device(options.device)
    train(options)
