"""Checkpoints in transformers' layouts: CLIP, DINOv2, SigLIP, Chinese-CLIP, with their expected outputs."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import load_file
from transformers import (
    ChineseCLIPConfig, ChineseCLIPModel, CLIPConfig, CLIPModel, Dinov2Config, Dinov2Model,
    Dinov2WithRegistersConfig, Dinov2WithRegistersModel, SiglipConfig, SiglipModel,
)

import tiny_tokenizers as tiny
from common import (
    CHECKPOINTS, IMAGENET_MEAN, IMAGENET_STD, OPENAI_MEAN, OPENAI_STD, randomise, stored, write_json, write_pickle,
    write_tensors,
)
from references import GRIDS, hf_clip_tower, hf_dinov2_tower, image_tensors, pooled, write_expected

TEXTS = ["a photo of a dog in the snow", "Two CATS on the sofa!", "", "café 日本 no. 42",
         "children playing football in the park, people walking on the beach at sunset, a mountain lake"]

# DINOv2 was trained at 518 pixels and is used at 224: its position table is shrunk, so here too.
DINOV2_GRIDS = [*GRIDS, (3, 3)]


def layers(hidden, inner, heads=4, depth=2, **more):
    """The size of one tower."""
    return dict(hidden_size=hidden, intermediate_size=inner, num_attention_heads=heads,
                num_hidden_layers=depth, **more)


def hub_state(model):
    """Tensors under the names that files on the hub have; transformers 5 renames some in memory."""
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return load_file(Path(folder) / "model.safetensors")


def with_position_ids(state, lengths):
    """The buffers that files written before transformers 4.31 carry: integers 0..length, of no use."""
    ids = {f"{tower}.embeddings.position_ids": torch.arange(length)[None] for tower, length in lengths.items()}
    return {**state, **ids}


def write_tokenizer(folder, tokenizer, **config):
    """tokenizer.json and tokenizer_config.json."""
    write_json(folder / "tokenizer.json", json.loads(tokenizer.to_str()), compact=True)
    write_json(folder / "tokenizer_config.json", config)


def clip_tokenizer_config(length, pad="<|endoftext|>"):
    """What the hub's tokenizer_config.json of a CLIP says."""
    return dict(tokenizer_class="CLIPTokenizer", bos_token=tiny.START, eos_token=tiny.END, unk_token=tiny.END,
                pad_token=pad, model_max_length=length)


def cropping_processor(size, crop, mean=OPENAI_MEAN, std=OPENAI_STD, kind="CLIPImageProcessor"):
    """preprocessor_config.json of the processors that resize the shortest edge, then crop."""
    return dict(crop_size=dict(height=crop, width=crop), do_center_crop=True, do_convert_rgb=True,
                do_normalize=True, do_rescale=True, do_resize=True, image_mean=mean, image_processor_type=kind,
                image_std=std, resample=3, rescale_factor=1 / 255, size=dict(shortest_edge=size))


def old_processor(size):
    """The same as written in 2021 (openai/clip-vit-base-patch32): sizes are plain integers, no rescaling named."""
    return dict(crop_size=size, do_center_crop=True, do_normalize=True, do_resize=True,
                feature_extractor_type="CLIPFeatureExtractor", image_mean=OPENAI_MEAN, image_std=OPENAI_STD,
                resample=3, size=size)


def squashing_processor(size):
    """SigLIP's: both edges resized, nothing cropped."""
    return dict(do_normalize=True, do_rescale=True, do_resize=True, image_mean=[0.5] * 3,
                image_processor_type="SiglipImageProcessor", image_std=[0.5] * 3,
                processor_class="SiglipProcessor", resample=3, rescale_factor=1 / 255,
                size=dict(height=size, width=size))


@torch.no_grad()
def text_tensors(model, ids, mask=None):
    """The reference's ids and what the text tower makes of them."""
    ids = torch.tensor(ids)
    options = {} if mask is None else {"attention_mask": torch.tensor(mask)}
    expected = {"text_ids": ids, "text_embeddings": pooled(model.get_text_features(ids, **options))}
    return expected if mask is None else {**expected, "text_mask": torch.tensor(mask)}


def clip_model(case, act, text, vision, half, projection=40):
    """A random CLIPModel."""
    config = CLIPConfig(text_config=dict(text, hidden_act=act), vision_config=dict(vision, hidden_act=act),
                        projection_dim=projection)
    return randomise(CLIPModel(config), case, half)


def clip_config(act, text, vision, projection=40, **more):
    """config.json of a CLIPModel: what differs from the library's defaults, as the hub's files do."""
    return dict(architectures=["CLIPModel"], model_type="clip", projection_dim=projection,
                logit_scale_init_value=2.6592, **more,
                text_config=dict(text, hidden_act=act, layer_norm_eps=1e-5, model_type="clip_text_model"),
                vision_config=dict(vision, hidden_act=act, layer_norm_eps=1e-5, model_type="clip_vision_model"))


def clip_hf_quickgelu():
    """OpenAI's way: quick_gelu, f32, eos_token_id 2 in the config although the tokenizer's is another."""
    case, folder = "clip_hf_quickgelu", CHECKPOINTS / "clip_hf_quickgelu"
    tokenizer = tiny.tiny_clip()
    text = layers(16, 48, heads=2, vocab_size=574, max_position_embeddings=24,
                  bos_token_id=0, pad_token_id=1, eos_token_id=2)
    vision = layers(48, 96, image_size=16, patch_size=4)
    model = clip_model(case, "quick_gelu", text, vision, half=False)
    write_json(folder / "config.json", clip_config("quick_gelu", text, vision, torch_dtype="float32"))
    write_json(folder / "preprocessor_config.json", old_processor(16))
    write_tokenizer(folder, tokenizer, **clip_tokenizer_config(24))
    write_tensors(folder / "model.safetensors", stored(hub_state(model), half=False))
    ids, _ = tiny.encoded(tokenizer, TEXTS, 24, tokenizer.token_to_id(tiny.END))
    write_expected(case, image_tensors(case, hf_clip_tower(model), GRIDS) | text_tensors(model, ids), TEXTS)


def clip_hf_gelu_eos():
    """f16, exact gelu, and an end-of-text id that is not the largest: pooling is at its first occurrence."""
    case, folder = "clip_hf_gelu_eos", CHECKPOINTS / "clip_hf_gelu_eos"
    tokenizer = tiny.tiny_clip(extra=True)
    pad, end = tokenizer.token_to_id(tiny.PAD), tokenizer.token_to_id(tiny.END)
    text = layers(16, 48, heads=2, vocab_size=576, max_position_embeddings=20,
                  bos_token_id=end - 1, pad_token_id=pad, eos_token_id=end)
    vision = layers(32, 64, depth=3, image_size=20, patch_size=5)
    model = clip_model(case, "gelu", text, vision, half=True)
    write_json(folder / "config.json", clip_config("gelu", text, vision, dtype="float16"))
    write_json(folder / "preprocessor_config.json", cropping_processor(24, 20))
    write_tokenizer(folder, tokenizer, **clip_tokenizer_config(20, pad=tiny.PAD))
    write_tensors(folder / "model.safetensors", stored(hub_state(model), half=True))
    texts = [*TEXTS, f"a dog {tiny.EXTRA} on the beach"]
    ids, _ = tiny.encoded(tokenizer, texts, 20, pad)
    rows = text_tensors(model, ids)
    assert pooling_differs(model, rows, end), "the two pooling rules must give different embeddings"
    write_expected(case, image_tensors(case, hf_clip_tower(model), GRIDS) | rows, texts)


@torch.no_grad()
def pooling_differs(model, rows, end):
    """Whether argmax pooling would change the last text and only it."""
    states = model.text_model(input_ids=rows["text_ids"]).last_hidden_state
    at_argmax = rows["text_ids"].argmax(-1)
    embedded = model.text_projection(states[torch.arange(len(states)), at_argmax])
    changed = (embedded - rows["text_embeddings"]).abs().amax(-1) > 0.05
    assert (rows["text_ids"] == end).any(-1).all()
    return changed.tolist() == [False] * (len(states) - 1) + [True]


def clip_hf_bin():
    """An older file: pytorch_model.bin with position_ids among the weights; tanh gelu."""
    case, folder = "clip_hf_bin", CHECKPOINTS / "clip_hf_bin"
    tokenizer = tiny.tiny_clip()
    end = tokenizer.token_to_id(tiny.END)
    text = layers(16, 64, heads=2, vocab_size=574, max_position_embeddings=16,
                  bos_token_id=end - 1, pad_token_id=end, eos_token_id=end)
    vision = layers(32, 96, image_size=16, patch_size=4)
    model = clip_model(case, "gelu_new", text, vision, half=True, projection=32)
    state = with_position_ids(hub_state(model), {"text_model": 16, "vision_model": 17})
    write_json(folder / "config.json", clip_config("gelu_new", text, vision, 32, torch_dtype="float16"))
    write_json(folder / "preprocessor_config.json", cropping_processor(16, 16))
    write_tokenizer(folder, tokenizer, **clip_tokenizer_config(16))
    write_pickle(folder / "pytorch_model.bin", stored(state, half=True))
    ids, _ = tiny.encoded(tokenizer, TEXTS, 16, end)
    write_expected(case, image_tensors(case, hf_clip_tower(model)) | text_tensors(model, ids), TEXTS)


def dinov2(case, config_class, model_class, hidden, grids=(), **more):
    """DINOv2 as Meta publishes it on the hub; config keys equal to the defaults are left out."""
    folder, half = CHECKPOINTS / case, True
    sizes = dict(hidden_size=hidden, mlp_ratio=2, num_attention_heads=4, num_hidden_layers=2, image_size=16,
                 patch_size=4, **more)
    model = randomise(model_class(config_class(**sizes)), case, half)
    kind = dict(architectures=[model_class.__name__], model_type=config_class.model_type, torch_dtype="float16")
    defaults = dict(hidden_act="gelu", layer_norm_eps=1e-6, layerscale_value=1.0, qkv_bias=True,
                    use_swiglu_ffn=more.get("use_swiglu_ffn", False))
    write_json(folder / "config.json", kind | defaults | sizes)
    write_json(folder / "preprocessor_config.json",
               cropping_processor(18, 16, IMAGENET_MEAN, IMAGENET_STD, "BitImageProcessor"))
    write_tensors(folder / "model.safetensors", stored(hub_state(model), half))
    write_expected(case, image_tensors(case, hf_dinov2_tower(model), grids))


def dinov2_hf():
    """Without registers."""
    dinov2("dinov2_hf", Dinov2Config, Dinov2Model, 64, DINOV2_GRIDS)


def dinov2_registers_hf():
    """With four registers; its library interpolates positions with antialiasing, unlike the other."""
    dinov2("dinov2_registers_hf", Dinov2WithRegistersConfig, Dinov2WithRegistersModel, 48, DINOV2_GRIDS,
           num_register_tokens=4)


def dinov2_swiglu_hf():
    """The feed-forward of the giant: SwiGLU."""
    dinov2("dinov2_swiglu_hf", Dinov2Config, Dinov2Model, 32, use_swiglu_ffn=True)


def siglip(case, hidden, tokenizer, reference, pad_id, tokenizer_config):
    """SigLIP and fixed-resolution SigLIP2 are one architecture; only the tokenizer differs."""
    folder, half, length = CHECKPOINTS / case, True, 16
    text = layers(hidden, hidden * 2, vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=length)
    vision = layers(hidden, hidden * 2, image_size=16, patch_size=4)
    model = randomise(SiglipModel(SiglipConfig(text_config=text, vision_config=vision)), case, half)
    write_json(folder / "config.json", dict(
        architectures=["SiglipModel"], model_type="siglip", torch_dtype="float16", initializer_factor=1.0,
        text_config=dict(text, model_type="siglip_text_model"),
        vision_config=dict(vision, model_type="siglip_vision_model")))
    write_json(folder / "preprocessor_config.json", squashing_processor(16))
    write_tokenizer(folder, tokenizer, model_max_length=length, **tokenizer_config)
    write_tensors(folder / "model.safetensors", stored(hub_state(model), half))
    ids, _ = tiny.encoded(reference, TEXTS, length, pad_id)
    write_expected(case, image_tensors(case, hf_clip_tower(model)) | text_tensors(model, ids), TEXTS)


def siglip_hf():
    """Google's first SigLIP: unigram tokenizer, padded with `</s>`."""
    tokenizer = tiny.tiny_siglip()
    siglip("siglip_hf", 32, tokenizer, tokenizer, 1,
           dict(tokenizer_class="SiglipTokenizer", eos_token="</s>", pad_token="</s>", unk_token="<unk>"))


def siglip2_hf():
    """SigLIP2: Gemma's BPE, padded with `<pad>`; the reference lower-cases although tokenizer.json does not."""
    siglip("siglip2_hf", 32, tiny.tiny_gemma(), tiny.tiny_gemma(lowercase=True), 0,
           dict(tokenizer_class="GemmaTokenizer", bos_token="<bos>", eos_token="<eos>", pad_token="<pad>",
                unk_token="<unk>", add_bos_token=False, add_eos_token=True, padding_side="right"))


def chinese_clip_hf():
    """BERT text tower, vocab.txt without tokenizer.json, pytorch_model.bin with position_ids: as on the hub."""
    case, folder = "chinese_clip_hf", CHECKPOINTS / "chinese_clip_hf"
    tokenizer, length = tiny.tiny_bert(), 24
    text = layers(32, 64, vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=length,
                  hidden_act="gelu", layer_norm_eps=1e-12, pad_token_id=0, type_vocab_size=2)
    vision = layers(32, 64, image_size=16, patch_size=4, hidden_act="quick_gelu", layer_norm_eps=1e-5)
    config = ChineseCLIPConfig(text_config=text, vision_config=vision, projection_dim=32)
    model = randomise(ChineseCLIPModel(config), case, half=True)
    write_json(folder / "config.json", dict(
        architectures=["ChineseCLIPModel"], model_type="chinese_clip", projection_dim=32, torch_dtype="float16",
        logit_scale_init_value=2.6592, text_config=dict(text, model_type="chinese_clip_text_model"),
        vision_config=dict(vision, model_type="chinese_clip_vision_model")))
    write_json(folder / "preprocessor_config.json", dict(
        do_center_crop=False, do_normalize=True, do_resize=True, feature_extractor_type="ChineseCLIPFeatureExtractor",
        image_mean=OPENAI_MEAN, image_std=OPENAI_STD, resample=3, size=dict(height=16, width=16)))
    (folder / "vocab.txt").write_text("\n".join(tiny.tiny_bert_vocab()) + "\n", encoding="utf-8")
    state = with_position_ids(hub_state(model), {"text_model": length, "vision_model": 17})
    write_pickle(folder / "pytorch_model.bin", stored(state, half=True))
    texts = ["一只狗在雪地里的照片", "红色汽车，夜晚街道。", "", "The DOGS walking 2 猫!", "海边日落" * 8]
    ids, mask = tiny.encoded(tokenizer, texts, length, 0)
    write_expected(case, image_tensors(case, hf_clip_tower(model)) | text_tensors(model, ids, mask), texts)


CASES = [clip_hf_quickgelu, clip_hf_gelu_eos, clip_hf_bin, dinov2_hf, dinov2_registers_hf, dinov2_swiglu_hf,
         siglip_hf, siglip2_hf, chinese_clip_hf]
