"""The value path of three checkpoints, by the towers of their own libraries: what each place of a picture is in the joint
space. A Vision Transformer as in CLIP-DINOiser's models/maskclip/maskclip.py (residual and MLP kept), a ModifiedResNet as in
MaskCLIP's mmseg/models/decode_heads/maskclip_head.py (v_proj, then c_proj, no position)."""

import json

import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from safetensors.torch import load_file
from transformers import CLIPModel

from common import CHECKPOINTS, EXPECTED, write_tensors


def of_hf(case, pixels):
    """transformers' CLIPModel."""
    model = CLIPModel.from_pretrained(CHECKPOINTS / case).eval().float()
    vision = model.vision_model
    stream = vision.pre_layrnorm(vision.embeddings(pixels))
    *before, last = vision.encoder.layers
    for layer in before:
        out = layer(stream, attention_mask=None)
        stream = out[0] if isinstance(out, tuple) else out
    stream = stream + last.self_attn.out_proj(last.self_attn.v_proj(last.layer_norm1(stream)))
    stream = stream + last.mlp(last.layer_norm2(stream))
    return model.visual_projection(vision.post_layernorm(stream[:, 1:]))


def open_clip(case):
    """open_clip's CLIP with the weights of the checkpoint."""
    folder = CHECKPOINTS / case
    model = CLIP(**json.loads((folder / "open_clip_config.json").read_text())["model_cfg"])
    model.load_state_dict(load_file(folder / "open_clip_model.safetensors"))
    return model.eval().float().visual


def of_vit(case, pixels):
    """open_clip's VisionTransformer."""
    tower = open_clip(case)
    stream = tower.conv1(pixels).flatten(2).transpose(1, 2)
    stream = torch.cat([tower.class_embedding.expand(len(stream), 1, -1), stream], 1) + tower.positional_embedding
    stream = tower.ln_pre(stream)
    *before, last = tower.transformer.resblocks
    for block in before:
        stream = block(stream)
    width = stream.shape[-1]
    weight, bias = last.attn.in_proj_weight[2 * width:], last.attn.in_proj_bias[2 * width:]
    stream = stream + last.ls_1(last.attn.out_proj(F.linear(last.ln_1(stream), weight, bias)))
    stream = stream + last.ls_2(last.mlp(last.ln_2(stream)))
    return tower.ln_post(stream[:, 1:]) @ tower.proj


def of_resnet(case, pixels):
    """open_clip's ModifiedResNet."""
    tower = open_clip(case)
    features = tower.layer4(tower.layer3(tower.layer2(tower.layer1(tower.stem(pixels)))))
    return tower.attnpool.c_proj(tower.attnpool.v_proj(features.flatten(2).transpose(1, 2)))


@torch.no_grad()
def write_dense():
    """expected/dense.safetensors, of the pixels that the cases have."""
    makers = {"clip_hf_quickgelu": of_hf, "open_clip_vit": of_vit, "open_clip_resnet": of_resnet}
    pixels = {case: load_file(EXPECTED / f"{case}.safetensors")["pixels"] for case in makers}
    write_tensors(EXPECTED / "dense.safetensors", {case: maker(case, pixels[case]) for case, maker in makers.items()})
