"""Tiny tokenizers in the exact structure of the real ones: CLIP, SigLIP, SigLIP2 (Gemma), Chinese-CLIP (BERT)."""

import os
from collections import Counter

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

CORPUS = [
    "a photo of a dog in the snow", "a photo of two cats on the sofa", "the red car on a street at night",
    "people walking on the beach at sunset", "a close-up of a flower with water drops",
    "a mountain lake with reflections of the trees", "my grandmother's birthday cake with candles",
    "a black and white photo of an old house", "children playing football in the park",
]
CLIP_PATTERN = (r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d"
                r"|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
START, END, PAD, EXTRA = "<|startoftext|>", "<|endoftext|>", "<|pad|>", "<|photo|>"


def byte_alphabet():
    """The 256 printable stand-ins for bytes, in CLIP's order (printable ranges first)."""
    first = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in first]
    return [chr(byte) for byte in first] + [chr(256 + i) for i in range(len(others))]


def clip_frame(model):
    """CLIP's normaliser and splitter around a BPE model, as CLIPTokenizerFast builds them."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP_PATTERN), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return tokenizer


def trained_merges(words, count):
    """Byte-pair training: the commonest pair, then the first in order. (The library's trainer breaks ties at random.)"""
    merges = []
    for _ in range(count):
        pairs = Counter(pair for word in words for pair in zip(word, word[1:]))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = [merged(word, best) for word in words]
    return merges


def merged(word, pair):
    """The word with every occurrence of the pair joined."""
    joined = []
    for piece in word:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def tiny_clip(extra=False):
    """CLIP's tokenizer with 60 merges; with `extra` a padding token stands before, another after end-of-text."""
    alphabet = byte_alphabet()
    words = [word for line in CORPUS for word in line.replace("'", " ").replace("-", " ").split()]
    merges = trained_merges([[*word[:-1], f"{word[-1]}</w>"] for word in words], 60)
    pieces = alphabet + [f"{letter}</w>" for letter in alphabet] + ["".join(merge) for merge in merges]
    specials = [PAD, START, END, EXTRA] if extra else [START, END]
    pieces += specials
    vocab = {piece: index for index, piece in enumerate(pieces)}
    assert len(vocab) == len(pieces)
    tokenizer = clip_frame(models.BPE(vocab, merges, unk_token=END, continuing_subword_prefix="",
                                      end_of_word_suffix="</w>", fuse_unk=False))
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in specials])
    tokenizer.post_processor = processors.RobertaProcessing(
        (END, vocab[END]), (START, vocab[START]), trim_offsets=False, add_prefix_space=False)
    return tokenizer


def tiny_siglip():
    """SigLIP's T5-style unigram: lower case, punctuation dropped, metaspace, end-of-text appended."""
    words = sorted({word for line in CORPUS for word in line.replace("'", "").replace("-", "").split()})
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789é")
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(letter, -6.0 - 0.01 * i) for i, letter in enumerate(letters)]
    pieces += [(f"▁{letter}", -6.5 - 0.01 * i) for i, letter in enumerate(letters) if letter != "a"]
    pieces += [(f"▁{word}", -5.0 - 0.02 * i) for i, word in enumerate(words)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Lowercase(), normalizers.Replace(Regex(r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"""), ""),
        normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True)
                                  for text in ("<pad>", "</s>", "<unk>")])
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", None, [("</s>", 1)])
    return tokenizer


def gemma_frame(model, lowercase):
    """Gemma's normaliser and splitter; SigLIP2 was trained on lower-cased text, its tokenizer.json does not say so."""
    tokenizer = Tokenizer(model)
    spaces = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), spaces]) if lowercase else spaces
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous", invert=False)
    return tokenizer


def tiny_gemma(lowercase=False):
    """Gemma's byte-fallback BPE as SigLIP2 uses it: no start token, `<eos>` appended."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    words = [word for line in CORPUS for word in line.split()]
    merges = trained_merges([["▁", *word] for word in words], 80)
    letters = sorted({letter for line in CORPUS for letter in line.replace(" ", "▁")})
    pieces = specials + [f"<0x{byte:02X}>" for byte in range(256)] + letters
    pieces += ["".join(merge) for merge in merges]
    vocab = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = gemma_frame(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True), lowercase)
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in specials])
    tokenizer.post_processor = processors.TemplateProcessing("$A <eos>", None, [("<eos>", 1)])
    return tokenizer


def tiny_bert_vocab():
    """A WordPiece vocabulary with Chinese characters, one token a line: the hub's Chinese-CLIP has no tokenizer.json."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789")
    chinese = list("一只狗在雪地里的照片红色汽车夜晚街道两猫沙发上海边日落人")
    words = ["the", "dog", "photo", "snow", "##s", "##ing", "walk", "cat"]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *list("!,.?，。！"), *letters]
    return list(dict.fromkeys(tokens + [f"##{letter}" for letter in letters] + words + chinese))


def tiny_bert():
    """BERT's tokenizer on that vocabulary, with the lower-casing normaliser of BertTokenizerFast."""
    vocab = {token: index for index, token in enumerate(tiny_bert_vocab())}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def encoded(tokenizer, texts, length, pad_id):
    """Ids and mask, truncated and padded to `length`, as the model's processor does with padding="max_length"."""
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=pad_id, pad_token="")
    rows = tokenizer.encode_batch(texts)
    return [row.ids for row in rows], [row.attention_mask for row in rows]
