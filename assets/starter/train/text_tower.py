"""The text tower learns to say of a text what the sentence encoder says: open_clip's causal transformer, own BPE.

`tokenizer` writes tokenizer.json. `train` teaches the tower the vectors of captions, names and phrases. `align` then
moves it so that captions find their own photos, as the image tower sees them.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import open_clip
import torch
from safetensors.torch import load_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import nn
from torch.nn import functional as F

import data
import image_tower
import teacher
from teacher import unit

VOCABULARY, CONTEXT = 12288, 48
CONFIG = {"context_length": CONTEXT, "vocab_size": VOCABULARY, "width": 256, "heads": 4, "layers": 4}
START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BATCH = 256
# open_clip's names of a block's parts, and transformers'.
ADOPTED = {
    "ln_1": ["layer_norm1"],
    "ln_2": ["layer_norm2"],
    "attn.in_proj": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    "attn.out_proj": ["self_attn.out_proj"],
    "mlp.c_fc": ["mlp.fc1"],
    "mlp.c_proj": ["mlp.fc2"],
}
SCALE = 20


def blank_tokenizer(model):
    """CLIP's way with text: lower case, words, bytes, the end of a word marked; accents are left out."""
    tokenizer = Tokenizer(model)
    space = normalizers.Replace(Regex(r"\s+"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), space, normalizers.Lowercase()])
    words = pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_tokenizer(options):
    """Writes tokenizer.json: 256 bytes, the same at the end of a word, merges, and the two marks with the highest ids."""
    found = data.photos(options.train_dir)
    texts = data.captions(options.train_dir) + [c for photo in found for c in photo.captions]
    texts += 20 * [*data.names(found), *open_clip.IMAGENET_CLASSNAMES]
    learned = blank_tokenizer(models.BPE(end_of_word_suffix="</w>"))
    merges_wanted = VOCABULARY - 2 * 256 - 2
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=merges_wanted + 2 * 256,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learned.train_from_iterator(texts, trainer)
    merges = [tuple(pair) for pair in json.loads(learned.to_str())["model"]["merges"]][:merges_wanted]
    pieces = letters + [letter + "</w>" for letter in letters] + [a.removesuffix("</w>") + b for a, b in merges]
    vocabulary = {}
    for piece in pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    tokenizer = blank_tokenizer(models.BPE(vocabulary, merges, end_of_word_suffix="</w>"))
    start, end = VOCABULARY - 2, VOCABULARY - 1
    print(f"{len(vocabulary)} pieces of {start}")
    fillers = [f"<|filler{i}|>" for i in range(start - len(vocabulary))]
    tokenizer.add_special_tokens([*fillers, START, END])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, start), (END, end)]
    )
    tokenizer.enable_truncation(CONTEXT)
    tokenizer.save(str(options.work_dir / "tokenizer.json"))


def new_clip():
    """open_clip's model of both towers; the image tower is the one of image_tower.py."""
    vision = {"image_size": data.SIDE, "layers": image_tower.LAYERS, "width": image_tower.WIDTH}
    return open_clip.CLIP(384, vision, CONFIG)


class TextTower(nn.Module):
    """open_clip's text tower, for rows no longer than they need to be."""

    def __init__(self):
        super().__init__()
        clip = new_clip()
        self.transformer, self.token_embedding = clip.transformer, clip.token_embedding
        self.positional_embedding, self.ln_final = clip.positional_embedding, clip.ln_final
        self.text_projection = clip.text_projection

    def forward(self, ids):
        length = ids.shape[1]
        x = self.token_embedding(ids) + self.positional_embedding[:length]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.ln_final(self.transformer(x, attn_mask=mask))
        return unit(x[torch.arange(len(ids)), ids.argmax(-1)] @ self.text_projection)


class Reader:
    """Texts as rows of ids, padded with 0 to the longest."""

    def __init__(self, work_dir):
        self.tokenizer = Tokenizer.from_file(str(work_dir / "tokenizer.json"))
        self.tokenizer.enable_padding(pad_id=0, pad_token="!")

    def ids(self, texts):
        return torch.tensor([encoding.ids for encoding in self.tokenizer.encode_batch(texts)])


@torch.inference_mode()
def embed(tower, reader, texts, batch=256):
    """Unit vectors of the texts."""
    tower.eval()
    return torch.cat([tower(reader.ids(texts[i : i + batch])) for i in range(0, len(texts), batch)])


class Texts:
    """All texts as padded rows of ids, with the sentence encoder's vectors, without those of held-out photos."""

    def __init__(self, options, reader):
        found = data.photos(options.train_dir)
        work = options.work_dir
        load = lambda name: np.load(work / f"{name}.npy", mmap_mode="r")
        own = [(caption, not photo.is_held_out) for photo in found for caption in photo.captions]
        kept = np.array([is_kept for _, is_kept in own])
        done = int((work / "captions.done").read_text()) if (work / "captions.done").exists() else 0
        texts = [caption for caption, is_kept in own if is_kept] + data.captions(options.train_dir)[:done]
        # People leave the full stop out, captions do not.
        texts = [text.rstrip(" .") if i % 2 else text for i, text in enumerate(texts)]
        texts += data.phrases(data.names(found) + list(open_clip.IMAGENET_CLASSNAMES))
        vectors = [load("photo_captions")[kept]] + ([load("captions")[:done]] if done else []) + [load("phrases")]
        self.vectors = torch.from_numpy(np.concatenate(vectors))
        self.ids = reader.ids(texts).to(torch.int16)
        self.lengths = (self.ids == VOCABULARY - 1).int().argmax(1) + 1

    def batches(self, size):
        """For ever; a batch holds texts of about one length."""
        while True:
            many = torch.randint(len(self.ids), (8 * size,))
            many = many[self.lengths[many].argsort()]
            for part in torch.randperm(8):
                rows = many[part * size : (part + 1) * size]
                yield self.ids[rows, : self.lengths[rows].max()].long(), self.vectors[rows].float()


def optimizers(tower, others, options):
    """Muon for the matrices of the blocks, AdamW for the rest."""
    matrices = [p for p in tower.transformer.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for p in [*tower.parameters(), *others] if id(p) not in chosen]
    return [
        image_tower.Muon(matrices, options.muon_lr, weight_decay=0.01),
        torch.optim.AdamW(rest, options.lr, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def apply(loss, optimizers, options, progress):
    loss.backward()
    for optimizer, peak in zip(optimizers, (options.muon_lr, options.lr)):
        for group in optimizer.param_groups:
            group["lr"] = peak * image_tower.rate(progress)
        optimizer.step()
        optimizer.zero_grad()


def sentence_loss(t, wanted):
    """1 - cosine, and how differently both tell the texts of the batch apart."""
    given, right = (SCALE * t @ wanted.T).log_softmax(-1), (SCALE * wanted @ wanted.T).log_softmax(-1)
    return (1 - (t * wanted).sum(-1)).mean() + 0.3 * F.kl_div(given, right, log_target=True, reduction="batchmean")


def save(path, **state):
    torch.save(state, path.with_suffix(".tmp"))
    os.replace(path.with_suffix(".tmp"), path)


def adopt(tower, tokenizer, folder):
    """Begins with a trained tower of the same sizes (../starter-v0); pieces it lacks get the mean of its pieces of them."""
    theirs = load_file(folder / "model.safetensors")
    their_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    take = lambda name: theirs[f"text_model.{name}"].float()
    state = tower.state_dict()
    for name in state:
        if name.startswith("transformer."):
            _, _, layer, *rest = name.split(".")
            *part, kind = ".".join(rest).replace("in_proj_", "in_proj.").split(".")
            part = ADOPTED[".".join(part)]
            state[name] = torch.cat([take(f"encoder.layers.{layer}.{each}.{kind}") for each in part])
    state["positional_embedding"] = take("embeddings.position_embedding.weight")[:CONTEXT]
    state["ln_final.weight"], state["ln_final.bias"] = take("final_layer_norm.weight"), take("final_layer_norm.bias")
    state["text_projection"] = theirs["text_projection.weight"].float().T
    embedding = take("embeddings.token_embedding.weight")
    for piece, row in tokenizer.get_vocab().items():
        theirs_row = their_tokenizer.token_to_id(piece)
        if theirs_row is None:
            letters = decoders.ByteLevel().decode([piece.removesuffix("</w>")])
            theirs_row = their_ids(their_tokenizer, letters) or [0]
        state["token_embedding.weight"][row] = embedding[theirs_row].reshape(-1, 256).mean(0)
    tower.load_state_dict(state)


def their_ids(tokenizer, text):
    try:
        return tokenizer.encode(text, add_special_tokens=False).ids
    except Exception:  # letters that it has no piece for
        return []


def train(options):
    """Writes text.pt every few minutes; goes on from it for another --minutes."""
    reader, path = Reader(options.work_dir), options.work_dir / "text.pt"
    texts, tower = Texts(options, reader), TextTower()
    if path.exists():
        tower.load_state_dict(torch.load(path, weights_only=False)["tower"])
    elif options.start_from:
        adopt(tower, reader.tokenizer, options.start_from)
    steps = optimizers(tower, [], options)
    print(f"{len(texts.ids)} texts", flush=True)
    started = logged = saved = time.monotonic()
    losses = []
    for ids, wanted in texts.batches(BATCH):
        progress = (time.monotonic() - started) / (60 * options.minutes)
        with torch.autocast("cpu", torch.bfloat16):
            t = tower.train()(ids)
        loss = sentence_loss(t, wanted)
        apply(loss, steps, options, progress)
        losses.append((loss.item(), (t * wanted).sum(-1).mean().item()))
        now = time.monotonic()
        if now - logged > 60 or progress >= 1:
            mean = np.mean(losses, 0)
            print(f"{(now - started) / 60:5.1f} min, {len(losses)} steps: loss {mean[0]:.3f}, cosine {mean[1]:.3f}", flush=True)
            logged, losses = now, []
        if now - saved > 120 or progress >= 1:
            save(path, tower=tower.state_dict())
            saved = now
        if progress >= 1:
            return


@torch.inference_mode()
def pooled_photos(tower, photos, rows, batch=64):
    """What the attention pool would project."""
    project, tower.attnpool.c_proj = tower.attnpool.c_proj, nn.Identity()
    pooled = []
    for start in range(0, len(rows), batch):
        pixels = image_tower.normalised(image_tower.as_floats(photos, rows[start : start + batch]))
        with torch.autocast("cpu", torch.bfloat16):
            pooled.append(image_tower.pooled_and_stages(tower, pixels)[0].float())
        if start % 6400 == 0:
            print(f"photos for aligning: {start} of {len(rows)}", flush=True)
    tower.attnpool.c_proj = project
    return torch.cat(pooled)


def align(options):
    """Writes text_aligned.pt: the text tower and the image tower's last projection, moved towards each other."""
    work, found = options.work_dir, data.photos(options.train_dir)
    reader, tower, image = Reader(work), TextTower(), image_tower.new_tower()
    texts = Texts(options, reader)
    tower.load_state_dict(torch.load(work / "text.pt", weights_only=False)["tower"])
    image.load_state_dict(torch.load(work / "image.pt", weights_only=False)["ema"])
    photos = np.load(work / "photos.npy", mmap_mode="r")
    validation = image_tower.Validation(work, found, photos)
    caption_rows, _ = teacher.first_captions(found, lambda photo: not photo.is_held_out)
    captions = [[caption.rstrip(" .") for caption in found[row].captions] for row in caption_rows]
    targets = torch.from_numpy(np.load(work / "targets.npy")[caption_rows]).float()
    pooled = pooled_photos(image.eval(), photos, caption_rows)
    project = image.attnpool.c_proj
    log_scale = nn.Parameter(torch.tensor(3.0))
    steps = optimizers(tower, [*project.parameters(), log_scale], options)
    held_texts = reader.ids([found[row].captions[0] for row in validation.caption_photos])
    held_photos = pooled_photos(image, photos, validation.caption_photos)
    started = time.monotonic()
    logged = started - 60
    for ids, wanted in texts.batches(BATCH):
        progress = (time.monotonic() - started) / (60 * options.minutes)
        rows = torch.randperm(len(captions))[: 2 * BATCH]
        chosen = [captions[row][np.random.randint(len(captions[row]))] for row in rows]
        with torch.autocast("cpu", torch.bfloat16):
            t, plain = tower.train()(reader.ids(chosen)), tower(ids)
        v = unit(project(pooled[rows]))
        scores, own = log_scale.exp() * t @ v.T, torch.arange(len(rows))
        loss = (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2
        # Neither tower may forget its teacher: most of what is asked for is in no caption of these photos.
        loss = loss + sentence_loss(plain, wanted) + 2 * (1 - (v * targets[rows]).sum(-1)).mean()
        apply(loss, steps, options, progress)
        if time.monotonic() - logged > 45 or progress >= 1:
            logged = time.monotonic()
            with torch.inference_mode():
                recall = teacher.recall(tower.eval()(held_texts), unit(project(held_photos)))
            print(f"{(logged - started) / 60:5.1f} min: loss {loss.item():.3f}, held-out captions R@1/5/10 {recall}", flush=True)
        if progress >= 1:
            break
    save(work / "text_aligned.pt", tower=tower.state_dict(), project=project.state_dict(), log_scale=log_scale.detach())


STEPS = {"tokenizer": train_tokenizer, "train": train, "align": align}

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("step", choices=STEPS)
    arguments.add_argument("train_dir", type=Path)
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("--minutes", type=float, default=15)
    arguments.add_argument("--start-from", type=Path, help="a trained text tower, ../shared/starter-v0")
    arguments.add_argument("--lr", type=float, default=2e-3)
    arguments.add_argument("--muon-lr", type=float, default=0.02)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    np.random.seed(0)
    STEPS[options.step](options)
