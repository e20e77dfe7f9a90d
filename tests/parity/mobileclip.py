"""MobileCLIP S1 and S2 at full size: weights by a hash that the Rust test repeats, so only names and outputs are stored."""

import re
from collections import defaultdict
from math import prod, sqrt

import numpy as np
import open_clip
import torch
from open_clip.model import CustomTextCLIP
from tokenizers import Tokenizer

from common import CHECKPOINTS, CLIP_TOKENIZER, write_json
from references import write_expected

MASK = (1 << 64) - 1
# Residual branches and re-parametrised branches add up; less than 1 keeps forty blocks from exploding.
GAIN = 0.7
TEXTS = ["a dog in the snow", "Two people riding bicycles at sunset, 1999!"]


def name_seed(name):
    """FNV-1a, 64 bits, over the UTF-8 bytes of the tensor's name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 & MASK
    return seed


def hashed(name, count):
    """`count` numbers in [-1, 1): splitmix64 of seed + (index + 1) * golden ratio, its upper 24 bits."""
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(name_seed(name))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1.0


def offset_and_amplitude(name, shape):
    """How the numbers of one tensor are spread; chosen so that activations neither die nor explode."""
    if name.endswith("running_var"):
        return 1.0, 0.5
    if name.endswith("running_mean"):
        return 0.0, 0.1
    if name.endswith("gamma"):
        return 0.3, 0.1
    if name == "logit_scale":
        return 2.5, 0.0
    if len(shape) == 1:
        return (1.0, 0.2) if name.endswith("weight") else (0.0, 0.1)
    if name.endswith(("token_embedding.weight", "positional_embedding")):
        return 0.0, 0.5
    return 0.0, GAIN * sqrt(3.0 / (shape[0] if name.endswith("text_projection") else prod(shape[1:])))


def tensor(name, shape):
    """The values of one tensor, in C order: f32(offset + amplitude * hashed)."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    offset, amplitude = offset_and_amplitude(name, shape)
    values = (offset + amplitude * hashed(name, prod(shape))).astype(np.float32)
    return torch.from_numpy(values.reshape(shape))


def pixels():
    """Two images of 8x8 coloured squares with noise: hash of "pixels" by square, of "noise" by pixel."""
    squares = hashed("pixels", 2 * 3 * 8 * 8).reshape(2, 3, 8, 8).repeat(32, 2).repeat(32, 3)
    noise = hashed("noise", 2 * 3 * 256 * 256).reshape(2, 3, 256, 256)
    return torch.from_numpy((1.5 * squares + 0.5 * noise).astype(np.float32))


def templates(shapes):
    """Names with `blocks.#.` for every index below `repeat`; one line where a stage has twenty alike."""
    groups = defaultdict(list)
    for name, shape in shapes.items():
        match = re.search(r"blocks\.(\d+)\.", name)
        index = int(match.group(1)) if match else None
        groups[re.sub(r"blocks\.\d+\.", "blocks.#.", name), shape].append(index)
    for (name, _), found in groups.items():
        assert found == ([None] if found[0] is None else list(range(len(found)))), name
    return [f"{name} {len(found) if found[0] is not None else 1} {'x'.join(map(str, shape)) or 'scalar'}"
            for (name, shape), found in groups.items()]


def text_ids():
    """open_clip pads with zeros. There is no causal mask, so the padding is seen: its value and length matter."""
    tokenizer = Tokenizer.from_file(str(CLIP_TOKENIZER))
    rows = [row.ids for row in tokenizer.encode_batch(TEXTS)]
    return torch.tensor([row + [0] * (77 - len(row)) for row in rows])


@torch.no_grad()
def mobileclip(case, config_name):
    """One size: the folder's config, the list of tensors, the outputs."""
    cfg = open_clip.get_model_config(config_name)
    model = CustomTextCLIP(**{key: value for key, value in cfg.items() if key != "custom_text"}).eval()
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict({name: tensor(name, shape) for name, shape in shapes.items()})
    preprocess = dict(mean=[0.0] * 3, std=[1.0] * 3, interpolation="bilinear", resize_mode="shortest")
    write_json(CHECKPOINTS / case / "open_clip_config.json", dict(model_cfg=cfg, preprocess_cfg=preprocess))
    (CHECKPOINTS / case / "tensors.txt").write_text("\n".join(templates(shapes)) + "\n")
    ids, images = text_ids(), pixels()
    write_expected(case, dict(
        image_embeddings=model.encode_image(images), text_ids=ids, text_embeddings=model.encode_text(ids),
        **{"pixels.sample": images[:, :, ::64, ::64], "weights.sample": sample(model)}), TEXTS)


def sample(model):
    """First values of some tensors, to find out whether the hash was repeated rightly."""
    state = model.state_dict()
    names = ("visual.trunk.stem.0.conv_kxk.0.conv.weight", "visual.trunk.stem.0.conv_kxk.0.bn.running_var",
             "text.text_projection", "text.token_embedding.weight")
    return torch.stack([state[name].flatten()[:8] for name in names])


def mobileclip_s1():
    """apple/MobileCLIP-S1."""
    mobileclip("mobileclip_s1", "MobileCLIP-S1")


def mobileclip_s2():
    """apple/MobileCLIP-S2."""
    mobileclip("mobileclip_s2", "MobileCLIP-S2")


CASES = [mobileclip_s1, mobileclip_s2]
