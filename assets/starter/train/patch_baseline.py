"""What inspection is measured against: nearest patches of ResNet-50v2's stages 2 and 3, and any method's maps, on one scale.

`patch_baseline.py CATEGORY --teachers DIR --references 4` judges a category in MVTec's layout with the ResNet;
`patch_baseline.py CATEGORY --maps OUT/maps` reads what `sightline inspect --images CATEGORY/test --out OUT` wrote. Both print
the AUROC of pixels at the picture's size and on the ResNet's grid, where a patch is defective if any of its pixels is.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

import image_tower
import teacher

SIDE, GRID = 448, 56
WORST_SHARE = 0.01
# So many pixels are enough to rank.
PIXELS = 20_000_000


def parts(category):
    """Every part of the test and its mask at the picture's size, by name."""
    for path in sorted((category / "test").glob("*/*")):
        with Image.open(path) as picture:
            mask = np.zeros((picture.height, picture.width), bool)
        if path.parent.name != "good":
            [of_it] = (category / "ground_truth" / path.parent.name).glob(f"{path.stem}*")
            mask = np.asarray(Image.open(of_it).convert("L")) > 0
        yield path, mask


@torch.inference_mode()
def patches(net, path):
    """GRID² × 1536 unit features: both stages at unit length, averaged over 3 × 3 places."""
    picture = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC)
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
    fine, coarse = (stage.float() for stage in net.stages(image_tower.normalised(pixels)))
    coarse = F.interpolate(coarse, fine.shape[-2:], mode="bilinear")
    averaged = [F.normalize(F.avg_pool2d(stage, 3, 1, 1, count_include_pad=False), dim=1) for stage in (fine, coarse)]
    return F.normalize(torch.cat(averaged, 1), dim=1)[0].flatten(1).T.bfloat16()


class ResNet:
    """Distance of every patch to the nearest of the good parts'."""

    def __init__(self, category, teachers, references):
        self.net = teacher.ResNet50v2(teachers / "resnet50v2_stage1-3.safetensors")
        good = sorted((category / "train/good").iterdir())[:references]
        self.bank = torch.cat([patches(self.net, path) for path in good])

    def map(self, path):
        rows = patches(self.net, path).split(784)
        return 1 - torch.cat([(some @ self.bank.T).float().amax(1) for some in rows]).view(GRID, GRID)


class Written:
    """Maps that were written, each as large as its picture; in a folder for each type where names come twice."""

    def __init__(self, folder):
        self.folder = folder

    def map(self, path):
        of_type = self.folder / path.parent.name / f"{path.stem}.npy"
        return torch.from_numpy(np.load(of_type if of_type.exists() else self.folder / f"{path.stem}.npy"))


def resized(array, size, mode):
    options = {"antialias": True} if mode == "bilinear" else {}
    return F.interpolate(torch.as_tensor(array).float()[None, None], size, mode=mode, **options)[0, 0].numpy()


def auroc(pairs):
    scores, truths = zip(*pairs)
    return 100 * roc_auc_score(np.concatenate(truths, axis=None), np.concatenate(scores, axis=None))


def main(options):
    source = Written(options.maps) if options.maps else ResNet(options.category, options.teachers, options.references)
    maps = [(source.map(path), mask) for path, mask in parts(options.category)]
    worst = lambda scores: scores.flatten().topk(max(1, int(WORST_SHARE * scores.numel()))).values.mean().item()
    step = max(1, int((sum(mask.size for _, mask in maps) / PIXELS) ** 0.5))
    full = [(resized(scores, mask.shape, "bilinear")[::step, ::step].ravel(), mask[::step, ::step].ravel()) for scores, mask in maps]
    any_of = lambda mask: F.adaptive_max_pool2d(torch.from_numpy(mask).float()[None], GRID)[0].numpy() > 0
    grid = [(resized(scores, (GRID, GRID), "bilinear").ravel(), any_of(mask).ravel()) for scores, mask in maps]
    print(f"pixels {auroc(full):.1f}, on the grid of {GRID} {auroc(grid):.1f}")
    if not options.maps:
        print(f"parts {auroc([([worst(scores)], [mask.any()]) for scores, mask in maps]):.1f}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("category", type=Path)
    arguments.add_argument("--teachers", type=Path)
    arguments.add_argument("--references", type=int, default=4)
    arguments.add_argument("--maps", type=Path)
    options = arguments.parse_args()
    if not options.maps and not options.teachers:
        arguments.error("give --teachers, or --maps")
    main(options)
