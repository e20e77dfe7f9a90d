"""What the inspection's methods and metrics must give: inspection.json, of scikit-learn, scipy and torch.

    pip install -r requirements.txt scikit-learn==1.9.1 scipy==1.17.1 && python inspection.py

The methods read the tokens of the committed fixture clip_hf_quickgelu; the metrics read arrays that a formula gives."""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from scipy.ndimage import label
from scipy.spatial import distance
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
from sklearn.neighbors import NearestNeighbors
from transformers import CLIPModel

ROOT = Path(__file__).resolve().parent
CASE = "clip_hf_quickgelu"
FIXTURE = load_file(ROOT / "fixtures" / "expected" / f"{CASE}.safetensors")


# Methods. A part is [layers, rows, columns, dim]: the fixture's two pictures, their mean and their difference.

def parts():
    tokens = np.stack([FIXTURE["tokens.0"], FIXTURE["tokens.1"]], 1)[:, :, 1:].astype(np.float64)
    one, two = (part.reshape(2, 4, 4, -1) for part in tokens)
    return [one, two, (one + two) / 2, one - two]


def unit(features):
    return features / np.linalg.norm(features, axis=-1, keepdims=True).clip(1e-12)


def averaged(features, side):
    maps = torch.from_numpy(np.moveaxis(features, -1, 1))
    means = F.avg_pool2d(maps, side, 1, side // 2, count_include_pad=False)
    return np.moveaxis(means.numpy(), 1, -1)


def joined(part, side):
    layers = averaged(unit(part), side)
    return unit(np.concatenate(list(layers), -1).reshape(16, -1))


def patch_knn(references, test, side):
    bank = np.concatenate([joined(part, side) for part in references])
    nearest = NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute").fit(bank)
    return nearest.kneighbors(joined(test, side))[0][:, 0]


def mahalanobis(references, test):
    """The squared distance over the number of a feature's numbers, averaged over the layers."""
    scores = np.zeros(16)
    for layer in range(2):
        bank = np.concatenate([part[layer].reshape(16, -1) for part in references])
        covariance = np.cov(bank.T, bias=True)
        covariance += 0.003 * covariance.trace() / len(covariance) * np.eye(len(covariance))
        inverse = np.linalg.inv(covariance)
        patches = test[layer].reshape(16, -1)
        squares = [distance.mahalanobis(patch, bank.mean(0), inverse) ** 2 for patch in patches]
        scores += np.array(squares) / len(covariance) / 2
    return scores


def subspace(references, test):
    scores = np.zeros(16)
    for layer in range(2):
        bank = np.concatenate([part[layer].reshape(16, -1) for part in references])
        pca = PCA().fit(bank)
        rank = int(np.searchsorted(np.cumsum(pca.explained_variance_ratio_), 0.99)) + 1
        rest = test[layer].reshape(16, -1) - pca.mean_
        rest = rest - rest @ pca.components_[:rank].T @ pca.components_[:rank]
        scores += (rest ** 2).sum(-1) / 2
    return scores


def sparsemax(scores):
    """By halving: the threshold at which what lies above it sums to 1."""
    low, high = scores.min() - 1, scores.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(scores - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(scores - low, 0)


def dictionary(references, test, side):
    bank = np.concatenate([joined(part, side) for part in references])
    queries = joined(test, side)
    weights = np.stack([sparsemax(row) for row in queries @ bank.T / 0.02])
    return (1 - (queries * unit(weights @ bank)).sum(-1)) / 2


def mutual(others, test):
    norm = lambda part: F.layer_norm(torch.from_numpy(part), part.shape[-1:]).numpy()
    scores = []
    for side in (1, 3, 5):
        features = lambda part, layer: unit(averaged(norm(part), side)[layer].reshape(16, -1))
        for layer in range(2):
            distances = np.stack([
                NearestNeighbors(n_neighbors=1).fit(features(other, layer)).kneighbors(features(test, layer))[0][:, 0]
                for other in others])
            lowest = np.sort(distances, 0)[:max(1, int(0.3 * len(others)))]
            scores.append(lowest.mean(0))
    return np.mean(scores, 0)


def rescored():
    """MuSc's RsCIN (Li et al. 2024, section 3.4) of seven parts: min-max, P S for k in 1, 2, 3, and back again."""
    at = np.arange(7)
    vectors = unit(np.stack([np.sin(3 * at + 1), np.cos(5 * at + 2), 1.5 + np.sin(7 * at)], -1))
    scores = (at * 37 % 11) / 11 + 0.1
    low, high = scores.min(), scores.max()
    likeness, means = vectors @ vectors.T, 0
    for k in (1, 2, 3):
        kept = np.where(likeness >= np.sort(likeness, 1)[:, [-k]], likeness, 0)
        means = means + kept / kept.sum(1, keepdims=True) @ ((scores - low) / (high - low)) / 3
    return means * (high - low) + low


# The value path and windows, on transformers' own modules.

def vision():
    return CLIPModel.from_pretrained(ROOT / "fixtures" / "checkpoints" / CASE, dtype=torch.float32).eval()


def tokens_of(model, pixels):
    tower = model.vision_model
    tower = getattr(tower, "vision_model", tower)
    norm = getattr(tower, "pre_layrnorm", None)
    return tower, norm(tower.embeddings(pixels))


def word_patches(model, pixels):
    """AnomalyCLIP's second path: v ← v + W_o softmax(V Vᵀ / √d) V over the last 19/24 of the blocks, without MLP."""
    tower, stream = tokens_of(model, pixels)
    layers = tower.encoder.layers
    first = len(layers) - round(19 / 24 * len(layers))
    path = stream
    for at, layer in enumerate(layers):
        if at >= first:
            attention = layer.self_attn
            values = attention.v_proj(layer.layer_norm1(stream))
            heads = values.reshape(1, values.shape[1], attention.num_heads, -1).transpose(1, 2)
            mixed = torch.softmax(heads @ heads.transpose(2, 3) * attention.scale, -1) @ heads
            path = path + attention.out_proj(mixed.transpose(1, 2).reshape(values.shape))
        out = layer(stream, None)
        stream = out[0] if isinstance(out, tuple) else out
    return model.visual_projection(tower.post_layernorm(path[:, 1:]))[0]


def windows(model, pixels, side, rows, columns):
    tower, tokens = tokens_of(model, pixels)
    embeddings = []
    for top in range(rows - side + 1):
        for left in range(columns - side + 1):
            at = [1 + (top + i // side) * columns + left + i % side for i in range(side * side)]
            stream = tokens[:, [0] + at]
            for layer in tower.encoder.layers:
                out = layer(stream, None)
                stream = out[0] if isinstance(out, tuple) else out
            embeddings.append(model.visual_projection(tower.post_layernorm(stream[:, 0]))[0])
    return torch.stack(embeddings)


# Learnt prompts, on transformers' own modules.

LEARNED = ROOT / "fixtures" / "learned_prompts.pth"
LEARNED_ROWS = [[0, 40, 40, 40, 71, 13, 2], [0, 40, 40, 40, 99, 71, 13, 2]]


def learned_checkpoint(width):
    """Random vectors under the names and in the shapes of AnomalyCLIP's checkpoints: three, and two for one deeper layer."""
    at = torch.arange(3 * width).float()
    learner = {"ctx_pos": torch.sin(at * 1.7).reshape(1, 1, 3, width), "ctx_neg": torch.cos(at * 2.3).reshape(1, 1, 3, width),
               "compound_prompts_text.0": torch.sin(at[:2 * width] * 0.9 + 1).reshape(2, width)}
    torch.save({"prompt_learner": learner}, LEARNED)
    return learner


def learned(model):
    """AnomalyCLIP's encode_text_learn: vectors in place of tokens 1 to 3, and of places 1 to 2 before the second layer."""
    tower = model.text_model
    tower = getattr(tower, "text_model", tower)
    learner = learned_checkpoint(tower.config.hidden_size)
    embeddings = []
    for row, context in zip(LEARNED_ROWS, (learner["ctx_pos"], learner["ctx_neg"])):
        stream = tower.embeddings.token_embedding(torch.tensor([row]))
        stream[:, 1:4] = context[0]
        stream = stream + tower.embeddings.position_embedding(torch.arange(len(row)))[None]
        hidden = torch.full((len(row), len(row)), -torch.inf).triu(1)
        for at, layer in enumerate(tower.encoder.layers):
            if at == 1:
                stream[:, 1:3] = learner["compound_prompts_text.0"]
            attention, before = layer.self_attn, layer.layer_norm1(stream)
            heads = lambda x: x.reshape(1, len(row), attention.num_heads, -1).transpose(1, 2)
            query, key, value = (heads(product(before)) for product in (attention.q_proj, attention.k_proj, attention.v_proj))
            mixed = torch.softmax(query @ key.transpose(2, 3) * attention.scale + hidden, -1) @ value
            stream = stream + attention.out_proj(mixed.transpose(1, 2).reshape(stream.shape))
            stream = stream + layer.mlp(layer.layer_norm2(stream))
        embeddings.append(model.text_projection(tower.final_layer_norm(stream[:, row.index(max(row))]))[0])
    return torch.stack(embeddings)


# Metrics.

def maps():
    """Six parts of 24 by 32 pixels, four with defects; scores with ties."""
    rows, columns = 24, 32
    y, x = np.mgrid[0:rows, 0:columns]
    scores, masks = [], []
    for part in range(6):
        noise = ((x * 7 + y * 13 + part * 29 + x * y) % 97) / 97
        mask = np.zeros((rows, columns), bool)
        if part % 3:
            mask |= (x - 5 - part) ** 2 + (y - 8) ** 2 < 4 + 3 * part
            mask |= (x > 22) & (y > 19 - part)
            mask[part, part + 20] = True
        scores.append(np.round(noise + 0.35 * mask * (1 + part % 2), 2))
        masks.append(mask)
    return np.stack(scores).astype(np.float32), np.stack(masks)


def aupro(scores, masks, limit):
    """MVTec's own evaluation (Bergmann et al. 2021): sorted scores, 8-connected regions, trapezoids."""
    good, false_alarms, overlaps = (~masks).sum(), np.zeros(masks.shape), np.zeros(masks.shape)
    false_alarms[~masks] = 1 / good
    labels = [label(mask, np.ones((3, 3), int)) for mask in masks]
    regions = sum(count for _, count in labels)
    for at, (labelled, count) in enumerate(labels):
        for region in range(1, count + 1):
            overlaps[at][labelled == region] = 1 / (labelled == region).sum() / regions
    order = np.argsort(scores.ravel(), kind="stable")[::-1]
    falling = scores.ravel()[order]
    keep = np.append(np.diff(falling) != 0, True)
    x = np.append(0, np.cumsum(false_alarms.ravel()[order])[keep])
    y = np.append(0, np.cumsum(overlaps.ravel()[order])[keep])
    inside = x <= limit
    xs, ys = np.append(x[inside], limit), np.append(y[inside], np.interp(limit, x, y))
    return float(np.trapezoid(ys, xs) / limit)


def aupimo(scores, masks, low, high):
    """Bertoldo et al. 2024, equation 5, with every distinct score of good parts as a threshold."""
    good, bad = [at for at in range(len(masks)) if not masks[at].any()], [at for at in range(len(masks)) if masks[at].any()]
    thresholds = np.unique(scores[good])[::-1]
    rates = np.array([np.mean([(scores[at] >= t).mean() for at in good]) for t in thresholds])
    areas = []
    for at in bad:
        recall = np.array([(scores[at][masks[at]] >= t).mean() for t in thresholds])
        inside = (np.log(rates) > np.log(low)) & (np.log(rates) < np.log(high))
        ends = np.interp(np.log([low, high]), np.log(rates), recall)
        x = np.concatenate([[np.log(low)], np.log(rates)[inside], [np.log(high)]])
        areas.append(np.trapezoid(np.concatenate([ends[:1], recall[inside], ends[1:]]), x) / np.log(high / low))
    return float(np.mean(areas))


def metrics():
    scores, masks = maps()
    truth, flat = masks.ravel(), scores.ravel()
    precision, recall, thresholds = precision_recall_curve(truth, flat)
    f1 = 2 * precision * recall / (precision + recall).clip(1e-12)
    return dict(auroc=roc_auc_score(truth, flat), ap=average_precision_score(truth, flat), f1=float(f1.max()),
                threshold=float(thresholds[f1[:-1].argmax()]), aupro=aupro(scores, masks, 0.3),
                aupro_05=aupro(scores, masks, 0.05), aupimo=aupimo(scores, masks, 0.01, 0.1))


def rounded(values, digits=6):
    return [float(f"{value:.{digits}g}") for value in np.asarray(values, dtype=np.float64).ravel()]


@torch.no_grad()
def main():
    one, two, mean, difference = parts()
    model = vision()
    pixels = torch.from_numpy(FIXTURE["pixels"][:1])
    expected = {
        "patch_knn": rounded(patch_knn([one, mean], two, 1)), "patch_knn_3": rounded(patch_knn([one, mean], two, 3)),
        "mahalanobis": rounded(mahalanobis([one, mean], two)),
        "subspace": rounded(subspace([one, mean], two)), "dictionary": rounded(dictionary([one, mean], two, 3)),
        "mutual": rounded(mutual([one, mean, difference], two)), "rescored": rounded(rescored()),
        "word_patches": rounded(word_patches(model, pixels), 5),
        "windows_2": rounded(windows(model, pixels, 2, 4, 4), 5),
        "windows_3": rounded(windows(model, pixels, 3, 4, 4), 5),
        "learned": rounded(learned(model), 5),
        "metrics": {name: round(float(value), 9) for name, value in metrics().items()},
    }
    (ROOT / "inspection.json").write_text(json.dumps(expected) + "\n")
    print({name: len(values) for name, values in expected.items()}, expected["metrics"])


if __name__ == "__main__":
    main()
