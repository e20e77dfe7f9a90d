"""What every part of the generator shares: folders, seeds, random weights, writing of files."""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parent
FIXTURES = ROOT / "fixtures"
CHECKPOINTS = FIXTURES / "checkpoints"
EXPECTED = FIXTURES / "expected"
CLIP_TOKENIZER = ROOT.parents[1] / "assets" / "tokenizers" / "clip" / "tokenizer.json"

OPENAI_MEAN = [0.48145466, 0.4578275, 0.40821073]
OPENAI_STD = [0.26862954, 0.26130258, 0.27577711]
IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]


def generator(name):
    """A random generator that depends on `name` only, so that one case never shifts another."""
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def random_tensor(name, shape, rng):
    """Values large enough that a wrong layout, a skipped bias or a skipped norm shows in the output."""
    noise = torch.randn(shape, generator=rng)
    leaf = name.rsplit(".", 1)[-1]
    if leaf in ("lambda1", "gamma"):
        return 0.6 + 0.2 * noise
    if leaf == "logit_scale":
        return torch.full(shape, 2.6592)
    if len(shape) == 1 and leaf == "weight":
        return 1.0 + 0.2 * noise
    if len(shape) <= 1:
        return 0.2 * noise
    is_table = "embed" in name and "patch_embed" not in name or leaf.endswith("token") or leaf == "probe"
    if is_table or "token" in leaf:
        return 0.4 * noise
    return noise * 1.2 / fan_in(leaf, shape) ** 0.5


def fan_in(leaf, shape):
    """Inputs of one output; the projections of OpenAI's layout are stored transposed."""
    return shape[0] if leaf in ("proj", "text_projection") else int(np.prod(shape[1:]))


@torch.no_grad()
def randomise(model, case, half):
    """Fills every parameter; with `half` the values are those that f16 storage keeps, computed with in f32."""
    rng = generator(case)
    for name, parameter in sorted(model.named_parameters()):
        values = random_tensor(name, tuple(parameter.shape), rng)
        parameter.copy_(values.half().float() if half else values)
    return model.eval()


def stored(tensors, half):
    """The tensors as the checkpoint file holds them: f16 or f32, integers untouched, nothing shared."""
    kept = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().clone().contiguous()
        kept[name] = tensor.half() if half and tensor.is_floating_point() else tensor
    return kept


def pixels(case, count, height, width):
    """Random model input with the spread of normalised pixels."""
    return torch.randn((count, 3, height, width), generator=generator(f"{case} pixels {height}x{width}"))


def write_json(path, value, compact=False):
    """One JSON file; `compact` for vocabularies, where indentation would double the size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    style = {"separators": (",", ":")} if compact else {"indent": 2}
    path.write_text(json.dumps(value, ensure_ascii=False, **style) + "\n", encoding="utf-8")


def write_tensors(path, tensors):
    """One safetensors file, tensors in the order of their names so that the bytes never vary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = {name: tensors[name].detach().clone().contiguous() for name in sorted(tensors)}
    save_file(ordered, path, metadata={"format": "pt"})


def write_pickle(path, tensors):
    """A `torch.save` archive: the `.bin` and `.pt` files of the hub."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(tensors, path)
