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
BATCH = 512
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
