"""Ten small pictures and what the reference processors make of them."""

import io
import struct
import zlib

import numpy as np
import torch
from open_clip.transform import image_transform
from PIL import Image, ImageDraw, ImageOps
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.chinese_clip.image_processing_pil_chinese_clip import ChineseCLIPImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from common import EXPECTED, FIXTURES, IMAGENET_MEAN, IMAGENET_STD, write_json, write_tensors

PICTURES = FIXTURES / "preprocessing"
EXIF_ORIENTATION, TURNED_RIGHT = 0x0112, 6
# The normalised values follow from the bytes; those of one picture are stored to fix mean, std and the order of channels.
NORMALISED = ("photo",)


def photo(width, height, seed):
    """A picture with what photos have: smooth shading, edges, fine texture, a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    base = np.stack([255 * x / width, 255 * y / height, 128 + 100 * np.sin(x / 7 + y / 11)], -1)
    base += 20 * np.sin(x * 1.9)[..., None] + rng.normal(0, 4, base.shape)
    picture = Image.fromarray(base.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.ellipse([width * 0.2, height * 0.2, width * 0.6, height * 0.7], fill=(230, 40, 30))
    draw.line([0, height, width, 0], fill=(255, 255, 255), width=2)
    draw.rectangle([width * 0.7, height * 0.1, width * 0.9, height * 0.4], outline=(0, 0, 0), width=2)
    return picture


def png16(picture):
    """A 16-bit RGB PNG, which Pillow cannot write; every value is byte * 257, so all readers agree on 8 bits."""
    pixels = np.asarray(picture).astype(np.uint16) * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def chunk(kind, content):
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_alpha(picture):
    """RGBA with a soft hole; converting to RGB drops the alpha, it does not blend."""
    alpha = Image.linear_gradient("L").resize(picture.size)
    picture.putalpha(alpha)
    return picture


def turned(picture):
    """A JPEG that must be turned a quarter to the right to be seen upright."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED_RIGHT
    return encode(picture, "JPEG", quality=90, exif=exif)


def encode(picture, kind, **options):
    """The bytes of one file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def files():
    """The ten pictures by file name."""
    return {
        "odd_wide.png": encode(photo(99, 61, 1), "PNG"),
        "odd_tall.png": encode(photo(61, 97, 2), "PNG"),
        "photo.jpg": encode(photo(640, 480, 3), "JPEG", quality=25),
        "small.png": encode(photo(21, 21, 4), "PNG"),
        "strip.jpg": encode(photo(300, 40, 5), "JPEG", quality=85),
        "grey.png": encode(photo(64, 50, 6).convert("L"), "PNG"),
        "alpha.png": encode(with_alpha(photo(50, 40, 7)), "PNG"),
        "palette.png": encode(photo(70, 52, 8).quantize(64), "PNG"),
        "deep.png": png16(photo(48, 36, 9)),
        "turned.jpg": turned(photo(60, 44, 10)),
    }


def hf(processor):
    """One of transformers' processors on Pillow (not torchvision), before and after normalisation."""
    def run(picture):
        scaled = processor(picture, do_normalize=False, do_rescale=False, return_tensors="pt")["pixel_values"][0]
        return scaled.to(torch.uint8), processor(picture, return_tensors="pt")["pixel_values"][0]
    return run


def open_clip(size, mode, interpolation="bicubic", **options):
    """open_clip's transform. It converts to RGB after resizing; here the picture is RGB already, as in its data sets."""
    transform = image_transform(size, False, resize_mode=mode, interpolation=interpolation, **options)
    raw = image_transform(size, False, (0.0,) * 3, (1.0,) * 3, resize_mode=mode, interpolation=interpolation)
    return lambda picture: ((raw(picture) * 255).round().to(torch.uint8), transform(picture))


def shortest(size, crop):
    """Options of the processors that resize the shortest edge and crop."""
    return dict(size={"shortest_edge": size}, crop_size={"height": crop, "width": crop})


def processors():
    """Every processor by the name that the tensors carry."""
    dinov2 = BitImageProcessorPil(**shortest(40, 32), image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD)
    square = dict(height=32, width=32)
    return {
        "clip32": hf(CLIPImageProcessorPil(**shortest(32, 32))),
        "siglip32": hf(SiglipImageProcessorPil(size=square)),
        "dinov2_40_32": hf(dinov2),
        "chinese_clip32": hf(ChineseCLIPImageProcessorPil(size=square, do_center_crop=False)),
        "open_clip32_shortest": open_clip(32, "shortest"),
        "open_clip32_squash_bilinear": open_clip(32, "squash", "bilinear"),
        "open_clip32_longest": open_clip(32, "longest"),
        "clip48": hf(CLIPImageProcessorPil(**shortest(48, 48))),
    }


def left_out(picture, processor):
    """What would only repeat another result is kept for the pictures where it differs."""
    wanted = {
        "clip48": ("odd_wide", "odd_tall"),
        "chinese_clip32": ("odd_wide",),
        "open_clip32_shortest": ("odd_wide", "odd_tall", "strip"),
        "open_clip32_longest": ("odd_wide", "odd_tall", "strip", "small"),
        "open_clip32_squash_bilinear": ("odd_wide", "odd_tall", "strip", "small", "photo", "grey"),
    }
    return picture not in wanted.get(processor, (picture,))


def write_preprocessing():
    """Writes the pictures, their settings, and the expected tensors."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, content in files().items():
        (PICTURES / name).write_bytes(content)
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
        expected |= picture_tensors(name.split(".")[0], picture)
    write_tensors(EXPECTED / "preprocessing.safetensors", expected)
    write_json(EXPECTED / "preprocessing.json", settings())


def picture_tensors(name, picture):
    """The outputs of all processors for one upright RGB picture."""
    expected = {}
    if name == "turned":
        # JPEG decoders may differ by a few steps; a test can start from Pillow's pixels instead.
        expected[f"{name}.rgb"] = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    for processor, run in processors().items():
        if left_out(name, processor):
            continue
        raw, normalised = run(picture)
        expected[f"{name}.{processor}.u8"] = raw
        if name in NORMALISED and processor in ("clip32", "siglip32", "dinov2_40_32"):
            expected[f"{name}.{processor}"] = normalised
    return expected


def settings():
    """What each processor was told, so that the Rust side need not repeat it."""
    clip = dict(mode="shortest", filter="bicubic", crop_offset="floor", mean="openai")
    return {
        "clip32": dict(clip, resize=32, crop=32), "clip48": dict(clip, resize=48, crop=48),
        "dinov2_40_32": dict(clip, resize=40, crop=32, mean="imagenet"),
        "siglip32": dict(mode="squash", filter="bicubic", resize=32, mean="half"),
        "chinese_clip32": dict(mode="squash", filter="bicubic", resize=32, mean="openai"),
        "open_clip32_shortest": dict(clip, resize=32, crop=32, crop_offset="round_half_even"),
        "open_clip32_squash_bilinear": dict(mode="squash", filter="bilinear", resize=32, mean="openai"),
        "open_clip32_longest": dict(mode="longest", filter="bicubic", resize=32, crop=32, fill=0, mean="openai"),
    }
