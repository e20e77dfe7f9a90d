"""The text tower learns to say of a text what the sentence encoder says: open_clip's causal transformer, own BPE.

`tokenizer` writes tokenizer.json. `train` teaches the tower the vectors of captions, names and phrases.
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
# Of a batch, names in plain phrases: few among the texts, and what people type.
NAMES_SHARE = 0.25


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

    def pooled(self, ids):
        """What text_projection projects."""
        length = ids.shape[1]
        x = self.token_embedding(ids) + self.positional_embedding[:length]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.ln_final(self.transformer(x, attn_mask=mask))
        return x[torch.arange(len(ids)), ids.argmax(-1)]

    def forward(self, ids):
        return unit(self.pooled(ids) @ self.text_projection)


class Reader:
    """Texts as rows of ids, padded with 0 to the longest."""

    def __init__(self, work_dir):
        self.tokenizer = Tokenizer.from_file(str(work_dir / "tokenizer.json"))
        self.tokenizer.enable_padding(pad_id=0, pad_token="!")

    def ids(self, texts):
        return torch.tensor([encoding.ids for encoding in self.tokenizer.encode_batch(texts)])


@torch.no_grad()
def pooled_texts(tower, reader, texts, batch=256):
    """What text_projection would project, in the order of the texts; equal lengths share a batch."""
    tower.eval()
    pooled = torch.zeros(len(texts), CONFIG["width"])
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        with torch.autocast("cpu", torch.bfloat16):
            pooled[rows] = tower.pooled(reader.ids([texts[i] for i in rows])).float()
    return pooled


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
        names = data.names(found) + list(open_clip.IMAGENET_CLASSNAMES)
        self.of_names = range(len(texts), len(texts) + len(names) * len(data.PHRASES))
        texts += data.phrases(names)
        vectors = [load("photo_captions")[kept]] + ([load("captions")[:done]] if done else []) + [load("phrases")]
        self.vectors = torch.from_numpy(np.concatenate(vectors))
        self.ids = reader.ids(texts).to(torch.int16)
        self.lengths = (self.ids == VOCABULARY - 1).int().argmax(1) + 1

    def batches(self, size):
        """For ever; a batch holds texts of about one length."""
        while True:
            many = torch.randint(len(self.ids), (8 * size,))
            of_names = torch.randint(self.of_names.start, self.of_names.stop, (8 * size,))
            many = torch.where(torch.rand(8 * size) < NAMES_SHARE, of_names, many)
            many = many[self.lengths[many].argsort()]
            for part in torch.randperm(8):
                rows = many[part * size : (part + 1) * size]
                yield self.ids[rows, : self.lengths[rows].max()].long(), self.vectors[rows].float()


def optimizers(tower, options):
    """Muon for the matrices of the blocks, AdamW for the rest."""
    matrices = [p for p in tower.transformer.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for p in tower.parameters() if id(p) not in chosen]
    return [
        image_tower.Muon(matrices, options.muon_lr, weight_decay=0.01),
        torch.optim.AdamW(rest, options.lr, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def apply(loss, optimizers, peaks, progress):
    loss.backward()
    for optimizer, peak in zip(optimizers, peaks):
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
    """Begins with a trained tower of the same sizes: ours, exported (with its tokenizer.json in the work folder), or that of
    ../starter-v0; pieces it lacks get the mean of its pieces of them."""
    exported = folder / "open_clip_model.safetensors"
    if exported.exists():
        theirs = load_file(exported)
        return tower.load_state_dict({name: theirs[name].float() for name in tower.state_dict()})
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
        tower.load_state_dict(torch.load(path, map_location="cpu", weights_only=False)["tower"])
    elif options.start_from:
        adopt(tower, reader.tokenizer, options.start_from)
    steps = optimizers(tower, options)
    print(f"{len(texts.ids)} texts", flush=True)
    started = logged = saved = time.monotonic()
    losses = []
    for ids, wanted in texts.batches(BATCH):
        progress = (time.monotonic() - started) / (60 * options.minutes)
        with torch.autocast("cpu", torch.bfloat16):
            t = tower.train()(ids)
        loss = sentence_loss(t, wanted)
        apply(loss, steps, (options.muon_lr, options.lr), progress)
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


STEPS = {"tokenizer": train_tokenizer, "train": train}

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("step", choices=STEPS)
    arguments.add_argument("train_dir", type=Path)
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("--minutes", type=float, default=15)
    arguments.add_argument("--start-from", type=Path, help="a trained text tower, ../shared/starter-v0")
    arguments.add_argument("--lr", type=float, default=1e-3)
    arguments.add_argument("--muon-lr", type=float, default=0.01)
    arguments.add_argument("--threads", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    np.random.seed(0)
    STEPS[options.step](options)
