"""Both towers as an open_clip folder of half precision, checked by loading it again."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import data
import image_tower
import text_tower

PREPROCESS = {
    "size": [data.SIDE, data.SIDE],
    "mode": "RGB",
    "mean": image_tower.MEAN,
    "std": image_tower.STD,
    "interpolation": "bicubic",
    "resize_mode": "squash",
}


def joined(work_dir):
    """open_clip's model with the weights of both checkpoints, aligned ones where there are any."""
    clip = text_tower.new_clip().eval()
    clip.visual.load_state_dict(torch.load(work_dir / "image.pt", map_location="cpu", weights_only=False)["ema"])
    aligned = work_dir / "text_aligned.pt"
    trained = torch.load(aligned if aligned.exists() else work_dir / "text.pt", map_location="cpu", weights_only=False)
    clip.load_state_dict(trained["tower"], strict=False)
    if aligned.exists():
        clip.visual.attnpool.load_state_dict(trained["pool"])
        clip.logit_scale.data.copy_(trained["log_scale"])
    return clip


def export(work_dir, out_dir):
    clip = joined(work_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in clip.state_dict().items()}
    # Counters of batches stay whole numbers; a running variance may be too small for half precision.
    is_half = lambda name, tensor: tensor.is_floating_point() and not name.endswith(("running_mean", "running_var"))
    tensors = {name: tensor.half() if is_half(name, tensor) else tensor for name, tensor in tensors.items()}
    save_file(tensors, out_dir / "open_clip_model.safetensors", metadata={"format": "pt"})
    vision = {"image_size": data.SIDE, "layers": image_tower.LAYERS, "width": image_tower.WIDTH}
    config = {"embed_dim": 384, "vision_cfg": vision, "text_cfg": text_tower.CONFIG}
    config = {"model_cfg": config, "preprocess_cfg": PREPROCESS}
    (out_dir / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
    shutil.copy(work_dir / "tokenizer.json", out_dir / "tokenizer.json")
    loaded = load(out_dir)
    pixels, ids = torch.rand(2, 3, data.SIDE, data.SIDE), torch.randint(1, 1000, (2, text_tower.CONTEXT))
    with torch.inference_mode():
        nearest = torch.cosine_similarity(clip.encode_image(pixels), loaded.encode_image(pixels)).min()
        nearest_text = torch.cosine_similarity(clip.encode_text(ids), loaded.encode_text(ids)).min()
    size = sum(path.stat().st_size for path in out_dir.iterdir()) / 1e6
    print(f"{out_dir.name}: {size:.1f} MB, cosine to full precision {nearest:.5f} and {nearest_text:.5f}")


def load(out_dir):
    """The exported folder as open_clip's own model."""
    import open_clip

    config = json.loads((out_dir / "open_clip_config.json").read_text())["model_cfg"]
    clip = open_clip.CLIP(**config)
    clip.load_state_dict(load_file(out_dir / "open_clip_model.safetensors"))
    return clip.float().eval()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("work_dir", type=Path)
    arguments.add_argument("out_dir", type=Path)
    options = arguments.parse_args()
    export(options.work_dir, options.out_dir)
