"""A model and its inputs in, the expected outputs out; knows how the three reference libraries are asked."""

import torch
import torch.nn.functional as F

from common import EXPECTED, pixels, write_json, write_tensors

# The base grid of every tiny checkpoint is 4x4: one larger square, one that is not square.
GRIDS = [(6, 6), (3, 7)]


class Tower:
    """An image tower seen alike whatever library it comes from."""

    def __init__(self, blocks, patch, image_size, forward, positions):
        self.blocks, self.patch, self.image_size = blocks, patch, image_size
        self.forward, self.positions = forward, positions

    @torch.no_grad()
    def run(self, images):
        """Embeddings and the residual stream after each block."""
        streams, hooks = [], []
        for block in self.blocks:
            hooks.append(block.register_forward_hook(lambda _m, _i, out: streams.append(first(out).clone())))
        outputs = self.forward(images)
        for hook in hooks:
            hook.remove()
        return outputs, streams


def first(output):
    """Blocks of some library versions answer with a tuple."""
    return output[0] if isinstance(output, tuple) else output


def bicubic(table, height, width):
    """A [N, D] grid of position vectors at another size: torch's bicubic, align_corners=False, a = -0.75."""
    side = int(table.shape[0] ** 0.5)
    grid = table.reshape(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(height, width), mode="bicubic", align_corners=False)
    return grid.permute(0, 2, 3, 1).reshape(height * width, -1)


def image_tensors(case, tower, grids=()):
    """Everything about images: at the checkpoint's own size, then on the other `grids` of patches."""
    images = pixels(case, 2, tower.image_size, tower.image_size)
    outputs, streams = tower.run(images)
    expected = {"pixels": images, **outputs}
    expected |= {f"tokens.{i}": stream for i, stream in enumerate(streams)}
    for height, width in grids:
        expected |= resized_tensors(case, tower, height, width)
    return expected


@torch.no_grad()
def resized_tensors(case, tower, height, width):
    """The same tower on a `height`x`width` grid of patches."""
    images = pixels(case, 1, height * tower.patch, width * tower.patch)
    outputs, streams = tower.run(images)
    size, last = f"{height}x{width}", len(streams) - 1
    return {
        f"pixels.{size}": images,
        f"positions.{size}": tower.positions(height, width),
        f"image_embeddings.{size}": outputs["image_embeddings"],
        f"tokens.{size}.{last}": streams[last],
    }


def write_expected(case, tensors, texts=None):
    """Writes expected/<case>.safetensors and, with texts, expected/<case>.texts.json."""
    write_tensors(EXPECTED / f"{case}.safetensors", tensors)
    if texts is not None:
        write_json(EXPECTED / f"{case}.texts.json", texts)


def pooled(output):
    """transformers 5 answers get_*_features with an output object, older ones with the tensor."""
    return getattr(output, "pooler_output", output)


def hf_clip_tower(model):
    """CLIPModel, ChineseCLIPModel, SiglipModel: the same interface."""
    embeddings, config = model.vision_model.embeddings, model.config.vision_config
    def forward(images):
        return {"image_embeddings": pooled(model.get_image_features(images, interpolate_pos_encoding=True))}
    return Tower(model.vision_model.encoder.layers, config.patch_size, config.image_size, forward,
                 hf_positions(embeddings, config))


def hf_positions(embeddings, config):
    """The library's own interpolation, asked with a stand-in of the right number of tokens."""
    extra = 1 if hasattr(embeddings, "class_embedding") or hasattr(embeddings, "cls_token") else 0
    def positions(height, width):
        tokens = torch.zeros(1, extra + height * width, config.hidden_size)
        size = height * config.patch_size, width * config.patch_size
        return embeddings.interpolate_pos_encoding(tokens, *size)[0]
    return positions


def hf_dinov2_tower(model):
    """Dinov2Model and Dinov2WithRegistersModel: the pooled output is CLS after the final norm."""
    config = model.config
    def forward(images):
        out = model(images)
        return {"image_embeddings": out.pooler_output, "tokens.final": out.last_hidden_state}
    return Tower(model.encoder.layer, config.patch_size, config.image_size, forward,
                 hf_positions(model.embeddings, config))


def open_clip_tower(model):
    """open_clip's own ViT. It resizes positions only while loading (antialiased); here plain bicubic is put in."""
    visual = model.visual
    base = visual.positional_embedding.detach().clone()
    def positions(height, width):
        return torch.cat([base[:1], bicubic(base[1:], height, width)])
    def forward(images):
        grid = images.shape[2] // visual.patch_size[0], images.shape[3] // visual.patch_size[1]
        table = base if grid == tuple(visual.grid_size) else positions(*grid)
        visual.positional_embedding.data = table
        return {"image_embeddings": model.encode_image(images)}
    return Tower(visual.transformer.resblocks, visual.patch_size[0], visual.image_size[0], forward, positions)


def timm_tower(trunk, encode):
    """A timm ViT. Like open_clip it resizes positions while loading only; here plain bicubic is put in."""
    trunk.patch_embed.strict_img_size = False
    base, patch = trunk.pos_embed.detach().clone(), trunk.patch_embed.patch_size[0]
    extra = 0 if trunk.no_embed_class else 1
    def positions(height, width):
        return torch.cat([base[0, :extra], bicubic(base[0, extra:], height, width)])
    def forward(images):
        grid = images.shape[2] // patch, images.shape[3] // patch
        is_base = grid == tuple(trunk.patch_embed.grid_size)
        trunk.pos_embed.data = base if is_base else positions(*grid)[None]
        return encode(images)
    return Tower(trunk.blocks, patch, trunk.patch_embed.img_size[0], forward, positions)
