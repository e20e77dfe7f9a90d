"""The real CLIP tokenizer as one file, and 200 strings with the ids that transformers gives them."""

import gzip
import json

from open_clip.tokenizer import SimpleTokenizer, default_bpe
from tokenizers import AddedToken, Tokenizer, models, processors
from transformers import CLIPTokenizer

from common import CLIP_TOKENIZER, EXPECTED, write_json
from tiny_tokenizers import END, START, byte_alphabet, clip_frame
from token_texts import TEXTS

LENGTH = 77
VOCAB_SIZE = 49408


def merges():
    """The merges of OpenAI's vocabulary file: its first line is a version, its tail was never used."""
    lines = gzip.open(default_bpe()).read().decode("utf-8").split("\n")
    return [tuple(line.split()) for line in lines[1:49152 - 256 - 2 + 1]]


def vocabulary():
    """Bytes, bytes that end a word, merged pieces, the two special tokens; the position is the id."""
    alphabet = byte_alphabet()
    pieces = alphabet + [f"{letter}</w>" for letter in alphabet] + ["".join(pair) for pair in merges()]
    return {piece: index for index, piece in enumerate([*pieces, START, END])}


def clip_tokenizer():
    """CLIPTokenizerFast's pipeline around the full vocabulary."""
    vocab = vocabulary()
    assert len(vocab) == VOCAB_SIZE
    tokenizer = clip_frame(models.BPE(vocab, merges(), unk_token=END, continuing_subword_prefix="",
                                      end_of_word_suffix="</w>", fuse_unk=False))
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in (START, END)])
    tokenizer.post_processor = processors.RobertaProcessing(
        (END, vocab[END]), (START, vocab[START]), trim_offsets=False, add_prefix_space=False)
    return tokenizer


def write_tokenizer():
    """assets/tokenizers/clip/tokenizer.json, merges as "a b" strings, which every version of tokenizers reads."""
    content = json.loads(clip_tokenizer().to_str())
    content["model"]["merges"] = [" ".join(pair) for pair in merges()]
    write_json(CLIP_TOKENIZER, content, compact=True)


def write_tokenisation():
    """expected/tokenisation.json: ids without the padding, which is `pad_id` up to `length`."""
    reference = CLIPTokenizer(vocab=vocabulary(), merges=merges(), model_max_length=LENGTH)
    padded = reference(TEXTS, padding="max_length", truncation=True, max_length=LENGTH)["input_ids"]
    assert all(len(row) == LENGTH for row in padded)
    assert_file_agrees(padded, reference.pad_token_id)
    rows = [dict(text=text, ids=unpadded(row, reference.pad_token_id)) for text, row in zip(TEXTS, padded)]
    differing = [row["text"] for row, ids in zip(rows, open_clip_ids()) if ids != row["ids"]]
    write_json(EXPECTED / "tokenisation.json",
               dict(length=LENGTH, pad_id=reference.pad_token_id, open_clip_differs=differing, cases=rows), compact=True)


def assert_file_agrees(padded, pad_id):
    """The asset must give exactly what transformers gives."""
    tokenizer = Tokenizer.from_file(str(CLIP_TOKENIZER))
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_id=pad_id, pad_token=END)
    assert [row.ids for row in tokenizer.encode_batch(TEXTS)] == padded


def unpadded(row, pad_id):
    """The row up to and with its last end-of-text before the padding, which is the same id."""
    kept = len(row)
    while kept > 1 and row[kept - 1] == pad_id and row[kept - 2] == pad_id:
        kept -= 1
    return row[:kept]


def open_clip_ids():
    """open_clip's own tokenizer, which repairs mojibake and HTML entities first."""
    simple = SimpleTokenizer()
    return [[VOCAB_SIZE - 2, *simple.encode(text)[:LENGTH - 2], VOCAB_SIZE - 1] for text in TEXTS]
