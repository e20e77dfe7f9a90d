"""Checkpoints in OpenAI's, open_clip's and timm's layouts, with their expected outputs."""

import timm
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CustomTextCLIP
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer

import tiny_tokenizers as tiny
from common import (
    CHECKPOINTS, IMAGENET_MEAN, IMAGENET_STD, OPENAI_MEAN, OPENAI_STD, generator, pixels, randomise, stored, write_json,
    write_pickle, write_tensors,
)
from hf_cases import TEXTS, clip_tokenizer_config, write_tokenizer
from references import GRIDS, bicubic, image_tensors, open_clip_tower, timm_tower, write_expected

TEXT = dict(context_length=20, vocab_size=574, width=32, heads=4, layers=2, mlp_ratio=2.0)
SMALL_TEXT = {**TEXT, "width": 16, "heads": 2}


@register_model
def vit_tiny_patch4_16(pretrained=False, **options):
    """A timm tower by name, as open_clip wants it: heads of 64 like timm's tiny, small, base and large."""
    model = VisionTransformer(img_size=16, patch_size=4, embed_dim=64, depth=2, num_heads=1, mlp_ratio=1)
    model.default_cfg = {}
    return model


def vision(width, head_width, **more):
    """open_clip's vision_cfg; head_width is 64 where the file is silent, mlp_ratio 4."""
    return dict(image_size=16, layers=2, width=width, head_width=head_width, patch_size=4, mlp_ratio=2.0, **more)


def write_folder(folder, model_cfg, **preprocess):
    """open_clip_config.json and the tokenizer, as push_to_hf_hub writes them."""
    preprocess_cfg = dict(mean=OPENAI_MEAN, std=OPENAI_STD, **preprocess)
    write_json(folder / "open_clip_config.json", dict(model_cfg=model_cfg, preprocess_cfg=preprocess_cfg))
    write_tokenizer(folder, tiny.tiny_clip(), **clip_tokenizer_config(model_cfg["text_cfg"]["context_length"]))


@torch.no_grad()
def text_tensors(model, length):
    """open_clip pads with zeros and pools at the largest id."""
    ids = torch.tensor(tiny.encoded(tiny.tiny_clip(), TEXTS, length, 0)[0])
    return {"text_ids": ids, "text_embeddings": model.encode_text(ids)}


def openai_pt():
    """OpenAI's own state dict: quick_gelu, f16, three scalars that are no weights, saved as .pt."""
    case, folder = "openai_pt", CHECKPOINTS / "openai_pt"
    cfg = dict(embed_dim=40, quick_gelu=True, vision_cfg=vision(32, 16), text_cfg=SMALL_TEXT)
    model = randomise(CLIP(**cfg), case, half=True)
    write_folder(folder, cfg)
    scalars = dict(input_resolution=torch.tensor(16), context_length=torch.tensor(20), vocab_size=torch.tensor(574))
    write_pickle(folder / "model.pt", stored(model.state_dict() | scalars, half=True))
    write_expected(case, image_tensors(case, open_clip_tower(model), GRIDS) | text_tensors(model, 20), TEXTS)


def open_clip_vit():
    """open_clip's ViT with exact gelu."""
    case = "open_clip_vit"
    cfg = dict(embed_dim=32, vision_cfg=vision(32, 8), text_cfg=TEXT)
    model = randomise(CLIP(**cfg), case, half=True)
    tensors = stored(model.state_dict(), half=True)
    write_folder(CHECKPOINTS / case, cfg, interpolation="bicubic", resize_mode="shortest")
    write_tensors(CHECKPOINTS / case / "open_clip_model.safetensors", tensors)
    write_expected(case, image_tensors(case, open_clip_tower(model), GRIDS) | text_tensors(model, 20), TEXTS)


def open_clip_bin():
    """open_clip_pytorch_model.bin, quick_gelu by the config, no ln_pre, MLP ratios left to the default of 4."""
    case = "open_clip_bin"
    tower, text = vision(32, 16, no_ln_pre=True), dict(SMALL_TEXT)
    del tower["mlp_ratio"], text["mlp_ratio"]
    cfg = dict(embed_dim=32, quick_gelu=True, vision_cfg=tower, text_cfg=text)
    model = randomise(CLIP(**cfg), case, half=True)
    write_folder(CHECKPOINTS / case, cfg)
    write_pickle(CHECKPOINTS / case / "open_clip_pytorch_model.bin", stored(model.state_dict(), half=True))
    write_expected(case, image_tensors(case, open_clip_tower(model)) | text_tensors(model, 20), TEXTS)


def open_clip_custom_text():
    """custom_text: the text tower's names start with `text.`; squashing preprocessing."""
    case = "open_clip_custom_text"
    cfg = dict(embed_dim=32, custom_text=True, vision_cfg=vision(32, 8), text_cfg=SMALL_TEXT)
    model = randomise(CustomTextCLIP(**without_flag(cfg)), case, half=True)
    write_folder(CHECKPOINTS / case, cfg, interpolation="bilinear", resize_mode="squash")
    write_tensors(CHECKPOINTS / case / "open_clip_model.safetensors", stored(model.state_dict(), half=True))
    write_expected(case, image_tensors(case, open_clip_tower(model)) | text_tensors(model, 20), TEXTS)


def without_flag(cfg):
    """The constructor does not take the flag that chose it."""
    return {key: value for key, value in cfg.items() if key != "custom_text"}


def open_clip_timm():
    """A timm ViT in open_clip: `visual.trunk.*`, `visual.head.proj.weight`, eps 1e-6, no ln_pre."""
    case = "open_clip_timm"
    tower = dict(timm_model_name="vit_tiny_patch4_16", timm_model_pretrained=False, timm_pool="token",
                 timm_proj="linear", image_size=16)
    cfg = dict(embed_dim=32, custom_text=True, vision_cfg=tower, text_cfg=SMALL_TEXT)
    model = randomise(CustomTextCLIP(**without_flag(cfg)), case, half=True)
    write_folder(CHECKPOINTS / case, cfg, interpolation="bicubic", resize_mode="shortest")
    write_tensors(CHECKPOINTS / case / "open_clip_model.safetensors", stored(model.state_dict(), half=True))
    reference = timm_tower(model.visual.trunk, lambda images: {"image_embeddings": model.encode_image(images)})
    write_expected(case, image_tensors(case, reference, GRIDS[1:]) | text_tensors(model, 20), TEXTS)


def joined(stages):
    """PatchCore's features of two stages: the finest grid, unit length, means of 3x3 places, joined."""
    size, parts = stages[0].shape[-2:], []
    for stage in stages:
        unit = F.normalize(F.interpolate(stage, size=size, mode="bilinear", align_corners=False), dim=1)
        parts.append(F.avg_pool2d(unit, 3, 1, 1, count_include_pad=False))
    return torch.cat(parts, 1).flatten(2).transpose(1, 2)


@torch.no_grad()
def resnet_tensors(model, case, height, width, names):
    """A ModifiedResNet at one size: what comes out, and the second and third stage joined."""
    images, stages = pixels(case, 1, height, width), []
    hooks = [stage.register_forward_hook(lambda _m, _i, out: stages.append(out))
             for stage in (model.visual.layer2, model.visual.layer3)]
    embeddings = model.encode_image(images)
    for hook in hooks:
        hook.remove()
    return dict(zip(names, (images, embeddings, joined(stages))))


@torch.no_grad()
def open_clip_resnet():
    """ModifiedResNet: two blocks in a stage, batch norms that do something, another grid for the attention pool."""
    case = "open_clip_resnet"
    tower = dict(image_size=64, layers=[1, 2, 1, 1], width=2, head_width=32, patch_size=None)
    cfg = dict(embed_dim=32, vision_cfg=tower, text_cfg=SMALL_TEXT)
    model = randomise(CLIP(**cfg), case, half=True)
    for name, buffer in model.visual.named_buffers():
        if not name.endswith("num_batches_tracked"):
            noise = torch.rand(buffer.shape, generator=generator(name))
            buffer.copy_((0.5 + noise if name.endswith("var") else noise - 0.5).half().float())
    write_folder(CHECKPOINTS / case, cfg, interpolation="bicubic", resize_mode="squash")
    write_tensors(CHECKPOINTS / case / "open_clip_model.safetensors", stored(model.state_dict(), half=True))
    names = ["pixels", "image_embeddings", "tokens.0"]
    expected = resnet_tensors(model, case, 64, 64, names) | text_tensors(model, 20)
    pool = model.visual.attnpool
    table = torch.cat([pool.positional_embedding[:1], bicubic(pool.positional_embedding[1:], 1, 3)])
    expected["positions.1x3"] = table
    pool.positional_embedding = torch.nn.Parameter(table)
    expected |= resnet_tensors(model, case, 32, 96, [f"{name}.1x3" for name in names[:2]] + ["tokens.1x3.0"])
    write_expected(case, expected, TEXTS)


def timm_dinov2(case, architecture, width):
    """A bare timm DINOv2: config.json names the architecture, model_args what differs from it."""
    folder = CHECKPOINTS / case
    args = dict(img_size=16, patch_size=4, embed_dim=width, depth=2, num_heads=4, mlp_ratio=2)
    model = randomise(timm.create_model(architecture, num_classes=0, **args), case, half=True)
    pretrained = dict(input_size=[3, 16, 16], mean=IMAGENET_MEAN, std=IMAGENET_STD, interpolation="bicubic",
                      crop_pct=1.0, crop_mode="center", num_classes=0, classifier="head")
    write_json(folder / "config.json", dict(architecture=architecture, num_classes=0, num_features=width,
                                            global_pool="token", model_args=args, pretrained_cfg=pretrained))
    write_tensors(folder / "model.safetensors", stored(model.state_dict(), half=True))
    def encode(images):
        tokens = model.forward_features(images)
        return {"image_embeddings": model.forward_head(tokens), "tokens.final": tokens}
    write_expected(case, image_tensors(case, timm_tower(model, encode), GRIDS[1:]))


def timm_dinov2_plain():
    """The position table holds the class token first."""
    timm_dinov2("timm_dinov2", "vit_small_patch14_dinov2", 32)


def timm_dinov2_registers():
    """reg_token, and a position table of patches only (no row for the class token)."""
    timm_dinov2("timm_dinov2_registers", "vit_small_patch14_reg4_dinov2", 32)


CASES = [openai_pt, open_clip_vit, open_clip_bin, open_clip_custom_text, open_clip_timm, open_clip_resnet,
         timm_dinov2_plain, timm_dinov2_registers]
