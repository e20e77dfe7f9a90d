"""fixtures/manifest.json: the cases, their family, what each is there to show, what its files hold."""

from safetensors import safe_open

from common import CHECKPOINTS, EXPECTED, FIXTURES, write_json

# Case: family, what only this case shows.
CASES = {
    "clip_hf_quickgelu": ("clip", "f32; quick_gelu; eos_token_id 2 means argmax pooling; old preprocessor_config.json"),
    "clip_hf_gelu_eos": ("clip", "f16; gelu (erf); pooling at the first eos, which is not the largest id; patch 5"),
    "clip_hf_bin": ("clip", "pytorch_model.bin with position_ids; gelu_new (tanh)"),
    "openai_pt": ("openclip", "OpenAI's state dict as .pt with three scalars that are no weights; quick_gelu"),
    "open_clip_vit": ("openclip", "open_clip_model.safetensors; gelu (erf)"),
    "open_clip_bin": ("openclip", "open_clip_pytorch_model.bin; quick_gelu; no ln_pre; mlp_ratio left to its default, 4"),
    "open_clip_custom_text": ("openclip", "text tower under text.*; squash and bilinear preprocessing"),
    "open_clip_timm": ("openclip", "visual.trunk.* in timm's names, visual.head.proj.weight; eps 1e-6; text.*"),
    "open_clip_resnet": ("openclip", "ModifiedResNet: stages, batch norms, attention pool; two stages joined as patches"),
    "timm_dinov2": ("dinov2", "bare timm names, ls1.gamma, fused qkv"),
    "timm_dinov2_registers": ("dinov2", "reg_token; position table without a row for the class token"),
    "dinov2_hf": ("dinov2", "layer scale; mask_token unused; positions also shrunk (3x3), plain bicubic"),
    "dinov2_registers_hf": ("dinov2", "registers after CLS; positions resized with antialias=True (a = -0.5)"),
    "dinov2_swiglu_hf": ("dinov2", "SwiGLU feed-forward (weights_in, weights_out)"),
    "siglip_hf": ("siglip", "attention-pooling head; unigram tokenizer, padded with </s>"),
    "siglip2_hf": ("siglip", "Gemma's BPE, padded with <pad>; ids of the lower-cased text"),
    "chinese_clip_hf": ("chinese_clip", "BERT text tower; vocab.txt without tokenizer.json; .bin with position_ids"),
    "mobileclip_s1": ("mobileclip", "weights by hash from tensors.txt; no causal mask"),
    "mobileclip_s2": ("mobileclip", "weights by hash from tensors.txt; no causal mask"),
}


def tensors(case):
    """Names and shapes in the case's expected file."""
    with safe_open(EXPECTED / f"{case}.safetensors", "pt") as file:
        return {name: file.get_slice(name).get_shape() for name in sorted(file.keys())}


def entry(case, family, shows):
    """One case."""
    files = sorted(path.name for path in (CHECKPOINTS / case).iterdir())
    return dict(family=family, shows=shows, files=files, expected=tensors(case))


def write_manifest():
    """Every folder of checkpoints must be described, and nothing else."""
    assert set(CASES) == {path.name for path in CHECKPOINTS.iterdir()}
    write_json(FIXTURES / "manifest.json", {case: entry(case, *about) for case, about in CASES.items()}, compact=True)
